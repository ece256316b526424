/**
 * Iterative hard thresholding: `W ← top_k(W − η∇L)`, at every step or every T steps. The gradient is that of
 * every block, as if none were pruned, so that any may enter. Between two choices the support trains alone, and the
 * others gather the last steps, a bounded number of them, beside the network: what they are chosen by.
 * Blumensath & Davies 2009, arXiv 0805.0510.
 */
import {
  between,
  densePhase,
  frobenius,
  identity,
  sparsePhase,
  tunable,
  type Pruner,
  type Search,
} from '@espalier/core';

export interface IhtSettings {
  /** Steps between two choices of blocks, T; a whole number of at least 1. */
  everySteps?: number;
  /**
   * For how many steps before a choice the pruned blocks gather steps of the optimiser, from zero; a whole number of at
   * least 1. At 1 it is the original method's one step, from T on all since the last choice.
   */
  gather?: number;
  /** Share of training, at its start, in which nothing is pruned; from 0. */
  dense?: number;
  /** Share of training, at its end, in which the blocks are fixed; from 0, and with `dense` under 1. */
  fineTuning?: number;
}

function thresholding({ everySteps, gather, dense, fineTuning }: Required<IhtSettings>): Search {
  if (!Number.isInteger(everySteps) || everySteps < 1) {
    throw new RangeError(`everySteps = ${everySteps} is not a whole number of at least 1`);
  }
  if (!Number.isInteger(gather) || gather < 1) {
    throw new RangeError(`gather = ${gather} is not a whole number of at least 1`);
  }
  if (!(dense >= 0 && fineTuning >= 0 && dense + fineTuning < 1)) {
    throw new RangeError(
      `dense = ${dense} and fineTuning = ${fineTuning} must be from 0, and leave a share to the thresholding`,
    );
  }
  return {
    name: 'iterative hard thresholding',
    phases: [
      ...(dense > 0 ? [densePhase(dense)] : []),
      {
        ...sparsePhase(1 - dense - fineTuning),
        name: 'thresholding',
        candidates: 'all',
        selection: { everySteps, gather },
      },
      ...(fineTuning > 0 ? [sparsePhase(fineTuning)] : []),
    ],
    prunedWeights: 'erased',
    gradient: 'all',
  };
}

export function iht({ everySteps = 50, gather = 50, dense = 0, fineTuning = 0 }: IhtSettings = {}): Pruner {
  const settings = { everySteps, gather, dense, fineTuning };
  return {
    name: 'iht',
    description: 'Take a dense gradient step, keep the blocks of largest norm; at every step, or every T',
    source: 'Blumensath & Davies 2009, arXiv 0805.0510',
    settings,
    parameterisation: identity,
    importance: frobenius,
    search: thresholding(settings),
  };
}

export default tunable(iht, {
  everySteps: between(10, 200, { logarithmic: true, whole: true }),
  dense: between(0, 0.3),
  fineTuning: between(0, 0.4),
});
