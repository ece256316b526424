/** Gradual: the mask loses blocks between two moments of training. */
import { assertOptions, wholeNumber } from '@espalier/blocks';

import { aCurve, cubic, type Curve } from './curves.js';
import { densePhase, sparsePhase, sparsificationPhase, type Search } from './phases.js';
import { shareOfTraining } from './share.js';

export interface GradualSettings {
  /** Share of training at which the pruning starts, from 0. */
  readonly start?: number;
  /** Share of training at which the target is reached, above `start` and at most 1. */
  readonly end?: number;
  /** Steps between two choices of blocks, at least 1; about a hundredth of the pruning when absent. */
  readonly everySteps?: number;
  readonly curve?: Curve;
}

/**
 * Prune gradually between two moments of training (Zhu & Gupta, arXiv 1710.01878).
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be
 */
export function gradual(settings: GradualSettings = {}): Search {
  assertOptions('gradual()', settings, {
    start: shareOfTraining('[0, 1)'),
    end: shareOfTraining('(0, 1]'),
    everySteps: wholeNumber(),
    curve: aCurve,
  });
  const { start = 0.1, end = 0.7, everySteps, curve = cubic } = settings;
  if (start >= end) {
    throw new RangeError(`gradual(): start = ${start} is not before end = ${end}`);
  }
  const gradually = sparsificationPhase(end - start, curve);
  return {
    name: 'gradual',
    phases: [
      ...(start > 0 ? [densePhase(start)] : []),
      everySteps === undefined ? gradually : { ...gradually, selection: { everySteps } },
      ...(end < 1 ? [sparsePhase(1 - end)] : []),
    ],
    prunedWeights: 'masked',
  };
}
