/** The proximal step of a sum of norms, for one step size or one for each weight. */
import { blockDot, blockNorms, scaleBlocks, wholeBlockNorms, type BlockGrid } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/**
 * `argmin_U ½ Σ (u − w)² / t + Σ_b c_b ‖U_b‖_F`, block by block, `c_b = √(n_b / n)` for a block of which n_b of n weights
 * are there: 1 but at ragged edges.
 *
 * For one t it is `relu(1 − t c_b / ‖W_b‖) W_b` (Parikh and Boyd 2014, Proximal Algorithms §6.5.4). For a t of each
 * weight's own, as under Adam, `u = w ρ / (ρ + t c_b)` where ρ = ‖U_b‖ is the root of `Σ_b (w / (ρ + t c_b))² = 1`, and 0
 * where the sum is not above 1 at ρ = 0: from `(u − w) / t + c_b u / ρ = 0`.
 *
 * @param weights `[n, m]`
 * @param t above or at 0, a scalar or `[n, m]`
 */
export function groupSoftThreshold(weights: tf.Tensor2D, t: tf.Tensor, grid: BlockGrid): tf.Tensor2D {
  return tf.tidy(() => {
    if (t.rank !== 0) return ofEachWeight(weights, t as tf.Tensor2D, grid);
    const scale = tf.sub<tf.Tensor2D>(1, t.div(wholeBlockNorms(weights, grid))).relu<tf.Tensor2D>();
    return scaleBlocks(weights, scale, grid);
  });
}

/** Where t is 0, so that nothing is divided by it. */
const SMALLEST = 1e-30;

/**
 * As many as single precision has use for: from below, Newton's method on `1 / ‖w / (ρ + t)‖ = 1` only rises, for the
 * left side is concave, and nearly a line. It is one where all t of a block are the same.
 */
const NEWTON_STEPS = 7;

function ofEachWeight(weights: tf.Tensor2D, threshold: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  const ones = tf.onesLike(weights);
  const [blockRows, blockColumns] = grid.blockShape;
  const factors = blockNorms(ones, grid).div<tf.Tensor2D>(Math.sqrt(blockRows * blockColumns));
  const t = scaleBlocks(threshold, factors, grid).maximum<tf.Tensor2D>(SMALLEST);
  const isLeft = blockNorms(weights.div(t), grid).greater(1);
  let ρ = blockNorms(weights, grid).sub(blockNorms(t, grid)).relu<tf.Tensor2D>();
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const reach = t.add<tf.Tensor2D>(scaleBlocks(ones, ρ, grid));
    const share = weights.div<tf.Tensor2D>(reach);
    const norm = blockNorms(share, grid);
    const slope = blockDot(share, share.div(reach), grid).maximum(SMALLEST);
    ρ = norm.sub(1).mul(norm.square()).div(slope).add(ρ).relu();
  }
  const share = weights.div<tf.Tensor2D>(t.add(scaleBlocks(ones, ρ, grid)));
  return scaleBlocks(share, ρ.mul(isLeft.toFloat()), grid);
}
