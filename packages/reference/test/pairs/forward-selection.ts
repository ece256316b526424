/** Strategies that select blocks in rounds. */
import { omp, ompr } from '@espalier/omp';
import { sequentialAttention } from '@espalier/sequential-attention';

import * as reference from '../../src/index.js';
import { pair, type Pairs } from './pair.js';

export const forwardSelection: Pairs = {
  strategies: {
    'sequential-attention': pair(sequentialAttention, reference.sequentialAttention, { rounds: 4 }),
    omp: pair(omp, reference.omp, { rounds: 4 }),
    ompr: pair(ompr, reference.ompr, { rounds: 4, swaps: 2 }),
  },
  variants: {
    'sequential-attention without a warm-up': pair(sequentialAttention, reference.sequentialAttention, {
      warmUp: 0,
      rounds: 3,
      temperature: 0.5,
    }),
    'omp, ε = 0': pair(omp, reference.omp, { rounds: 3, faint: 0 }),
    'ompr, more swaps than rounds': pair(ompr, reference.ompr, { rounds: 2, swaps: 4, fineTuning: 0.125 }),
  },
};
