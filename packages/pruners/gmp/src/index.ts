/**
 * Gradual magnitude pruning: `s (1 − (1 − p)³)` of the blocks pruned, p from 0 to 1 between two moments of
 * training, those of smallest norm first.
 * Zhu & Gupta 2017, arXiv 1710.01878.
 */
import { between, cubic, frobenius, gradual, identity, tunable, type Pruner } from '@espalier/core';

export interface GmpSettings {
  /** Share of training at which the pruning starts, from 0. */
  start?: number;
  /** Share of training at which the target is reached, above `start` and at most 1. */
  end?: number;
  /** Steps between two choices of blocks, at least 1; about a hundredth of the pruning when absent. */
  everySteps?: number;
}

export function gmp({ start = 0.1, end = 0.7, everySteps }: GmpSettings = {}): Pruner {
  if (everySteps !== undefined && !(Number.isInteger(everySteps) && everySteps >= 1)) {
    throw new RangeError(`everySteps = ${everySteps} is not a whole number of at least 1`);
  }
  return {
    name: 'gmp',
    description: 'Prune gradually, on a cubic curve, the blocks of smallest norm',
    source: 'Zhu & Gupta 2017, arXiv 1710.01878',
    settings: { start, end, everySteps: everySteps ?? 'gradually' },
    parameterisation: identity,
    importance: frobenius,
    search: gradual({ start, end, curve: cubic, ...(everySteps && { everySteps }) }),
  };
}

export default tunable(gmp, {
  start: between(0, 0.3),
  end: between(0.4, 0.9),
});
