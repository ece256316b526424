/** Strategies that choose their blocks once. */
import { groupLasso } from '@espalier/group-lasso';
import { l1Masks } from '@espalier/l1-masks';
import { magnitude } from '@espalier/magnitude';
import { powerpropagation } from '@espalier/powerpropagation';
import { random } from '@espalier/random';
import { softmaxAttentionPruning } from '@espalier/softmax-attention';
import { wanda } from '@espalier/wanda';

import * as reference from '../../src/index.js';
import { overall, pair, type Pairs } from './pair.js';

export const oneShot: Pairs = {
  strategies: {
    magnitude: pair(magnitude, reference.magnitude),
    random: pair(random, reference.random),
    powerpropagation: pair(powerpropagation, reference.powerpropagation),
    'softmax-attention': pair(softmaxAttentionPruning, reference.softmaxAttention),
    'group-lasso': pair(groupLasso, reference.groupLasso, { lambda: 0.05 }),
    'l1-masks': pair(l1Masks, reference.l1Masks, { lambda: 0.05 }),
    wanda: pair(wanda, reference.wanda, { fineTuning: 0.5 }),
  },
  variants: {
    'group-lasso, learned': pair(groupLasso, reference.groupLasso, { lambda: 0.1, final: 'learned' }),
    'group-lasso, fewer than are kept': pair(groupLasso, reference.groupLasso, { lambda: 0.5 }),
    'l1-masks, fewer than are kept': pair(l1Masks, reference.l1Masks, { lambda: 0.5, dense: 0.75 }),
    'magnitude, global': overall(pair(magnitude, reference.magnitude, { dense: 0.25 })),
    'random from the start': pair(random, reference.random, { dense: 0 }),
    'powerpropagation by weight': pair(powerpropagation, reference.powerpropagation, {
      alpha: 3,
      form: 'elementwise',
    }),
    'powerpropagation, α = 2.5': pair(powerpropagation, reference.powerpropagation, { alpha: 2.5 }),
    'softmax-attention, unnormalised': pair(softmaxAttentionPruning, reference.softmaxAttention, {
      normalised: false,
      temperature: 0.25,
      clip: 'off',
      travel: 0.25,
    }),
    'softmax-attention, clipped near 1': pair(softmaxAttentionPruning, reference.softmaxAttention, {
      clip: [0.9, 1.1],
      travel: 'optimizer',
      dense: 0.75,
    }),
    'softmax-attention, logits by the optimiser': pair(softmaxAttentionPruning, reference.softmaxAttention, {
      travel: 'optimizer',
    }),
    'softmax-attention, global': overall(
      pair(softmaxAttentionPruning, reference.softmaxAttention, { temperature: 0.25, travel: 2 }),
    ),
    'wanda, untrained': pair(wanda, reference.wanda, { fineTuning: 0 }),
    'wanda, global': overall(pair(wanda, reference.wanda)),
  },
};
