/** Alternating, with sparse phases that are come to gradually. */
import { anObject, assertOptions, numberIn, required } from '@espalier/blocks';

import { cycleLength, imagenetPlan, type AlternatingPlan } from './alternating-plan.js';
import { aCurve, exponential, type Curve } from './curves.js';
import { densePhase, maskedOrErased, sparsePhase, sparsificationPhase, type Search } from './phases.js';

/** How a cycle of SequentialAttention++ splits into its three phases; only the ratios count. */
export interface CycleSplit {
  readonly sparsification: number;
  readonly sparse: number;
  readonly dense: number;
}

export interface AlternatingWithSparsificationSettings {
  /** The sparsification phase's curve. */
  readonly curve?: Curve;
  readonly split?: CycleSplit;
  readonly prunedWeights?: Search['prunedWeights'];
}

const aPart = required(numberIn('(0, ∞)', 'a part of a cycle'));

/**
 * SequentialAttention++'s search: AC/DC's, with each cycle replaced by sparsification, sparse and dense
 * phases, and the whole last cycle with its extension by one sparsification phase (arXiv 2402.17902 §3.2 and
 * §4.1). How a cycle splits is not stated there; here into three equal parts.
 *
 * @throws RangeError or TypeError for a plan or a setting that is not what it is to be
 */
export function alternatingWithSparsification(
  plan: AlternatingPlan = imagenetPlan,
  settings: AlternatingWithSparsificationSettings = {},
): Search {
  const of = 'alternatingWithSparsification()';
  const cycle = cycleLength(plan, of);
  assertOptions(of, settings, {
    curve: aCurve,
    split: anObject('how a cycle splits, { sparsification, sparse, dense }'),
    prunedWeights: maskedOrErased,
  });
  const { curve = exponential(4), split = { sparsification: 1, sparse: 1, dense: 1 } } = settings;
  const { prunedWeights = 'masked' } = settings;
  assertOptions(`${of}: the split`, split, { sparsification: aPart, sparse: aPart, dense: aPart });
  const { sparsification, sparse, dense } = split;
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
