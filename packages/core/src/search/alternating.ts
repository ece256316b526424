/** Alternating: sparse and dense phases in turn. */
import { cycleLength, imagenetPlan, type AlternatingPlan } from './alternating-plan.js';
import { densePhase, sparsePhase, type Search } from './phases.js';
import { assertShare } from './share.js';

/**
 * AC/DC's search: a dense warm-up, then sparse and dense phases in turn, the last dense phase extended, and
 * a sparse phase at the end (Peste et al., arXiv 2106.12379 §3). The optimiser is reset on entering a dense phase alone,
 * as in the authors' code: what it remembers of the weights that a sparse phase keeps goes on to hold there.
 *
 * @param denseShare the dense part of a cycle, above 0 and under 1
 */
export function alternating(
  plan: AlternatingPlan = imagenetPlan,
  {
    denseShare = 0.5,
    prunedWeights = 'erased',
  }: { denseShare?: number; prunedWeights?: Search['prunedWeights'] } = {},
): Search {
  assertShare(denseShare, 'alternating: denseShare');
  const cycle = cycleLength(plan);
  const compressed = (length: number) => ({ ...sparsePhase(length), resetsOptimizer: false });
  const phases = [densePhase(plan.warmUp)];
  for (let i = 1; i <= plan.cycles; i++) {
    const extension = i === plan.cycles ? plan.lastCycleExtension : 0;
    phases.push(compressed(cycle * (1 - denseShare)), densePhase(cycle * denseShare + extension));
  }
  phases.push(compressed(plan.fineTuning));
  return { name: 'alternating', phases, prunedWeights };
}
