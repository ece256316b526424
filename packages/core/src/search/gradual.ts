/** Gradual: the mask loses blocks between two moments of training. */
import { cubic, type Curve } from './curves.js';
import { densePhase, sparsePhase, sparsificationPhase, type Search } from './phases.js';

/**
 * Prune gradually between two moments of training (Zhu & Gupta, arXiv 1710.01878).
 *
 * @param start share of training at which pruning starts, from 0
 * @param end share of training at which the target is reached, at most 1
 */
export function gradual({
  start = 0.1,
  end = 0.7,
  everySteps,
  curve = cubic,
}: { start?: number; end?: number; everySteps?: number; curve?: Curve } = {}): Search {
  if (!(start >= 0 && start < end && end <= 1)) {
    throw new RangeError(`gradual: start ${start} and end ${end} must satisfy 0 ≤ start < end ≤ 1`);
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
