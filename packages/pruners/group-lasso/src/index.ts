/**
 * Group LASSO: `min L(W) + λ Σ_b √(n_b / n) ‖W_b‖_F`, by a proximal step after each of the optimiser's. It sets whole
 * blocks to zero, how many λ decides. Of the n weights of a block n_b are there, all but at ragged edges.
 * Yuan & Lin 2006; the proximal step as in Parikh & Boyd 2014, Proximal Algorithms §6.5.4.
 */
import {
  between,
  densePhase,
  frobeniusThenGradient,
  oneShot,
  tunable,
  type Parameterisation,
  type Pruner,
  type Search,
} from '@espalier/core';

import { groupSoftThreshold } from './group-soft-threshold.js';

export interface GroupLassoSettings {
  /** The penalty's factor λ, from 0. */
  lambda?: number;
  /**
   * Whether the end is pruned to the target, and the shrinking stops there (`target`), or the blocks that λ
   * leaves are the result (`learned`).
   */
  final?: 'target' | 'learned';
  /** Share of training before the pruning to the target, above 0 and under 1. */
  dense?: number;
}

/**
 * After each step of the optimiser, until the target is asked for, `W ← argmin_U ½ Σ (u − w)² / t + λ P(U)` for the
 * penalty P, t how far the step goes: `W_b ← relu(1 − tλ √(n_b / n) / ‖W_b‖_F) W_b` where that is the same for all
 * weights. So it is the loss with the penalty that is minimised, under Adam as under SGD (Yun, Lozano, Yang 2021).
 */
export function groupLassoParameterisation(lambda: number): Parameterisation {
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new RangeError(`The penalty λ = ${lambda} is not a finite number from 0`);
  }
  return {
    name: 'identity with group soft threshold',
    proximal: (raw, { grid }, { stepSize, share }) =>
      share === 1 || lambda === 0 ? raw : groupSoftThreshold(raw, stepSize().mul(lambda), grid),
  };
}

/** `target`: prune at half of training, or where asked. `learned`: leave it to λ. */
const searches = {
  target: (dense: number): Search => oneShot({ dense }),
  learned: (): Search => ({
    name: 'none',
    phases: [densePhase(1)],
    prunedWeights: 'masked',
    final: 'learned',
  }),
};

export function groupLasso({
  lambda = 0.005,
  final = 'target',
  dense = 0.5,
}: GroupLassoSettings = {}): Pruner {
  if (!Object.hasOwn(searches, final)) {
    throw new RangeError(`There is no end '${final}': choose ${Object.keys(searches).join(' or ')}`);
  }
  return {
    name: 'group-lasso',
    description: 'A penalty on the norms of the blocks, by proximal steps, sets whole blocks to zero',
    source: 'Yuan & Lin 2006, doi 10.1111/j.1467-9868.2005.00532.x',
    settings: final === 'target' ? { lambda, final, dense } : { lambda, final },
    parameterisation: groupLassoParameterisation(lambda),
    importance: frobeniusThenGradient,
    search: searches[final](dense),
  };
}

export default tunable(groupLasso, {
  lambda: between(0.0005, 0.05, { logarithmic: true }),
  dense: between(0.1, 0.6),
});
