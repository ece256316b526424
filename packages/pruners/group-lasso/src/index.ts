/**
 * Group LASSO: `min L(W) + λ Σ_b ‖W_b‖_F`, by a proximal step after each of the optimiser's. It sets whole
 * blocks to zero, how many λ decides.
 * Yuan & Lin 2006; the proximal step as in Parikh & Boyd 2014, Proximal Algorithms §6.5.4.
 */
import {
  wholeBlockNorms,
  densePhase,
  frobenius,
  oneShot,
  scaleBlocks,
  type Parameterisation,
  type Pruner,
  type Search,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

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

/** `W_b ← relu(1 − ηλ / ‖W_b‖_F) W_b` after each step of rate η, until the target is asked for. */
export function groupLassoParameterisation(lambda: number): Parameterisation {
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new RangeError(`The penalty λ = ${lambda} is not a finite number from 0`);
  }
  return {
    name: 'identity with group soft threshold',
    proximal: (raw, { grid }, { learningRate, share }) => {
      if (share === 1) return raw;
      const threshold = tf.scalar(learningRate() * lambda);
      const scale = tf.sub<tf.Tensor2D>(1, threshold.div(wholeBlockNorms(raw, grid))).relu<tf.Tensor2D>();
      return scaleBlocks(raw, scale, grid);
    },
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
  lambda = 0.05,
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
    importance: frobenius,
    search: searches[final](dense),
  };
}

export default groupLasso;
