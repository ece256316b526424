/** Strategies that choose their blocks again and again. */
import { gmp } from '@espalier/gmp';
import { iht } from '@espalier/iht';
import { plainStr, str } from '@espalier/str';

import * as reference from '../../src/index.js';
import { overall, pair, type Pairs } from './pair.js';

export const gradual: Pairs = {
  strategies: {
    gmp: pair(gmp, reference.gmp),
    str: pair(str, reference.str),
    'plain-str': pair(plainStr, reference.plainStr, { sigma: -3 }),
    iht: pair(iht, reference.iht, { everySteps: 6 }),
  },
  variants: {
    'gmp to the last step': pair(gmp, reference.gmp, { start: 0.25, end: 1, everySteps: 5 }),
    'gmp, global': overall(pair(gmp, reference.gmp)),
    'str by weight': pair(str, reference.str, { form: 'elementwise', start: 0.125, end: 0.75 }),
    'plain-str by weight': pair(plainStr, reference.plainStr, { form: 'elementwise', g: 'exp', sigma: -3 }),
    'iht by the last two steps': pair(iht, reference.iht, { everySteps: 6, gather: 2, fineTuning: 0.25 }),
    'iht at every step': pair(iht, reference.iht, { everySteps: 1, dense: 0.25, fineTuning: 0.25 }),
  },
};
