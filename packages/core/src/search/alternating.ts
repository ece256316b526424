/** Alternating: sparse and dense phases in turn. */
import { assertOptions, numberIn } from '@espalier/blocks';

import { cycleLength, imagenetPlan, type AlternatingPlan } from './alternating-plan.js';
import { densePhase, maskedOrErased, sparsePhase, type Search } from './phases.js';

export interface AlternatingSettings {
  /** The dense part of a cycle, above 0 and under 1. */
  readonly denseShare?: number;
  readonly prunedWeights?: Search['prunedWeights'];
}

/**
 * AC/DC's search: a dense warm-up, then sparse and dense phases in turn, the last dense phase extended, and
 * a sparse phase at the end (Peste et al., arXiv 2106.12379 §3). The optimiser is reset on entering a dense phase alone,
 * as in the authors' code: what it remembers of the weights that a sparse phase keeps goes on to hold there.
 *
 * @throws RangeError or TypeError for a plan or a setting that is not what it is to be
 */
export function alternating(
  plan: AlternatingPlan = imagenetPlan,
  settings: AlternatingSettings = {},
): Search {
  const cycle = cycleLength(plan, 'alternating()');
  assertOptions('alternating()', settings, {
    denseShare: numberIn('(0, 1)', 'the dense part of a cycle'),
    prunedWeights: maskedOrErased,
  });
  const { denseShare = 0.5, prunedWeights = 'erased' } = settings;
  const compressed = (length: number) => ({ ...sparsePhase(length), resetsOptimizer: false });
  const phases = [densePhase(plan.warmUp)];
  for (let i = 1; i <= plan.cycles; i++) {
    const extension = i === plan.cycles ? plan.lastCycleExtension : 0;
    phases.push(compressed(cycle * (1 - denseShare)), densePhase(cycle * denseShare + extension));
  }
  phases.push(compressed(plan.fineTuning));
  return { name: 'alternating', phases, prunedWeights };
}
