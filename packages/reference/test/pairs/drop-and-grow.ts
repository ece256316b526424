/** Strategies that are sparse from the first step. */
import { rigl } from '@espalier/rigl';
import { structuredDst } from '@espalier/structured-dst';

import * as reference from '../../src/index.js';
import { pair, type Pairs } from './pair.js';

export const dropAndGrow: Pairs = {
  strategies: {
    rigl: pair(rigl, reference.rigl, { everySteps: 5 }),
    'structured-dst': pair(structuredDst, reference.structuredDst, { everySteps: 5 }),
  },
  variants: {
    'rigl, many at once': pair(rigl, reference.rigl, { everySteps: 7, until: 0.875, alpha: 0.85 }),
    'structured-dst without ablation': pair(structuredDst, reference.structuredDst, {
      everySteps: 7,
      minimumSalience: 0,
    }),
    'structured-dst, γ = 0.95': pair(structuredDst, reference.structuredDst, {
      everySteps: 5,
      alpha: 0.6,
      minimumSalience: 0.95,
    }),
  },
};
