/** Strategies that are sparse from the first step. */
import { rigl } from '@espalier/rigl';

import * as reference from '../../src/index.js';
import { pair, type Pairs } from './pair.js';

export const dropAndGrow: Pairs = {
  strategies: {
    rigl: pair(rigl, reference.rigl, { everySteps: 5 }),
  },
  variants: {
    'rigl, many at once': pair(rigl, reference.rigl, { everySteps: 7, until: 0.875, alpha: 0.85 }),
  },
};
