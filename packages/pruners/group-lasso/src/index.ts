/**
 * Group LASSO: `min L(W) + λ Σ_b ‖W_b‖_F`, by a proximal step after each of the optimiser's. It sets whole
 * blocks to zero, how many λ decides.
 * Yuan & Lin 2006; the proximal step as in Parikh & Boyd 2014, Proximal Algorithms §6.5.4.
 */
import {
  blockNorms,
  blockSize,
  densePhase,
  frobeniusThenGradient,
  oneShot,
  scaleBlocks,
  type BlockGrid,
  type Parameterisation,
  type Pruner,
  type Search,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

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
 * After each step of the optimiser, until the target is asked for, `W ← argmin_U ½ Σ (u − w)² / t + λ Σ_b ‖U_b‖_F`, t
 * how far the step goes: `W_b ← relu(1 − tλ / ‖W_b‖_F) W_b` where that is the same for all weights of a block. So it is
 * `L(W) + λ Σ_b ‖W_b‖_F` that is minimised, under Adam as under SGD (Yun, Lozano, Yang 2021).
 */
export function groupLassoParameterisation(lambda: number): Parameterisation {
  if (!(lambda >= 0 && Number.isFinite(lambda))) {
    throw new RangeError(`The penalty λ = ${lambda} is not a finite number from 0`);
  }
  return {
    name: 'identity with group soft threshold',
    proximal: (raw, { grid }, { stepSize, share }) =>
      share === 1 || lambda === 0
        ? raw
        : groupSoftThreshold(raw, stepSize().mul(penalties(lambda, grid)), grid),
  };
}

/**
 * Of a block at a ragged edge, which has n_b weights for Br·Bc, `λ √(n_b / (Br·Bc))`: a penalty goes with the root of a
 * group's size, so that small groups are not zero for being small (Yuan and Lin 2006, §2).
 *
 * @returns a scalar, or one for each weight, `[n, m]`
 */
function penalties(lambda: number, grid: BlockGrid): tf.Tensor {
  const size = grid.blockShape[0] * grid.blockShape[1];
  if (blockSize(grid, grid.blocks - 1) === size) return tf.scalar(lambda);
  const ones = tf.ones<tf.Rank.R2>([...grid.matrixShape]);
  return scaleBlocks(ones, blockNorms(ones, grid).mul(lambda / Math.sqrt(size)), grid);
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

export default groupLasso;
