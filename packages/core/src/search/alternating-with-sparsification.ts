/** Alternating, with sparse phases that are come to gradually. */
import { cycleLength, imagenetPlan, type AlternatingPlan } from './alternating-plan.js';
import { exponential, type Curve } from './curves.js';
import { densePhase, sparsePhase, sparsificationPhase, type Search } from './phases.js';

/** How a cycle of SequentialAttention++ splits into its three phases; only the ratios count. */
export interface CycleSplit {
  readonly sparsification: number;
  readonly sparse: number;
  readonly dense: number;
}

/**
 * SequentialAttention++'s search: AC/DC's, with each cycle replaced by sparsification, sparse and dense
 * phases, and the whole last cycle with its extension by one sparsification phase (arXiv 2402.17902 §3.2 and
 * §4.1). How a cycle splits is not stated there; here into three equal parts.
 *
 * @param curve the sparsification phase's curve
 */
export function alternatingWithSparsification(
  plan: AlternatingPlan = imagenetPlan,
  {
    curve = exponential(4),
    split = { sparsification: 1, sparse: 1, dense: 1 },
    prunedWeights = 'masked',
  }: { curve?: Curve; split?: CycleSplit; prunedWeights?: Search['prunedWeights'] } = {},
): Search {
  const { sparsification, sparse, dense } = split;
  if (![sparsification, sparse, dense].every((part) => part > 0 && Number.isFinite(part))) {
    throw new RangeError(`A cycle's parts ${JSON.stringify(split)} must all be above 0`);
  }
  const cycle = cycleLength(plan);
  const part = cycle / (sparsification + sparse + dense);
  const phases = [densePhase(plan.warmUp)];
  for (let i = 1; i < plan.cycles; i++) {
    phases.push(
      sparsificationPhase(part * sparsification, curve),
      sparsePhase(part * sparse),
      densePhase(part * dense),
    );
  }
  phases.push(sparsificationPhase(cycle + plan.lastCycleExtension, curve), sparsePhase(plan.fineTuning));
  return { name: 'alternating with sparsification', phases, prunedWeights };
}
