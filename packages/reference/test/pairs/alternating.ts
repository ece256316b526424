/** Strategies of sparse and dense phases in turn. */
import { acdc } from '@espalier/acdc';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';

import * as reference from '../../src/index.js';
import { overall, pair, type Pairs, plan } from './pair.js';

export const alternating: Pairs = {
  strategies: {
    acdc: pair(acdc, reference.acdc, { cycles: 3 }),
    'sequential-attention-plus-plus': pair(
      sequentialAttentionPlusPlus,
      reference.sequentialAttentionPlusPlus,
      { plan },
    ),
  },
  variants: {
    'acdc, masked': pair(acdc, reference.acdc, { plan: 'cifar10', prunedWeights: 'masked' }),
    'acdc, global': overall(pair(acdc, reference.acdc, { plan })),
    'sequential-attention-plus-plus, three cycles': pair(
      sequentialAttentionPlusPlus,
      reference.sequentialAttentionPlusPlus,
      { plan, cycles: 3, temperature: 0.25, split: { sparsification: 2, sparse: 1, dense: 1 } },
    ),
    'sequential-attention-plus-plus, logits by the optimiser': pair(
      sequentialAttentionPlusPlus,
      reference.sequentialAttentionPlusPlus,
      { plan, travel: 'optimizer' as const },
    ),
    'sequential-attention-plus-plus, global': overall(
      pair(sequentialAttentionPlusPlus, reference.sequentialAttentionPlusPlus, { plan, curveConstant: 2 }),
    ),
  },
};
