/** Strategies that choose their blocks once. */
import { magnitude } from '@espalier/magnitude';
import { powerpropagation } from '@espalier/powerpropagation';
import { random } from '@espalier/random';
import { softmaxAttentionPruning } from '@espalier/softmax-attention';

import * as reference from '../../src/index.js';
import { overall, pair, type Pairs } from './pair.js';

export const oneShot: Pairs = {
  strategies: {
    magnitude: pair(magnitude, reference.magnitude),
    random: pair(random, reference.random),
    powerpropagation: pair(powerpropagation, reference.powerpropagation),
    'softmax-attention': pair(softmaxAttentionPruning, reference.softmaxAttention),
  },
  variants: {
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
    }),
    'softmax-attention, clipped near 1': pair(softmaxAttentionPruning, reference.softmaxAttention, {
      clip: [0.9, 1.1],
      dense: 0.75,
    }),
    'softmax-attention, global': overall(
      pair(softmaxAttentionPruning, reference.softmaxAttention, { temperature: 0.25 }),
    ),
  },
};
