/** The importance scores that more than one strategy uses. */
import { assertOptions, blockDot, blockRootMeanSquares, trueOrFalse } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { aTemperature, type AttentionParameters } from './parameterisations.js';
import type { Importance } from './pruner.js';
import './one-core.js';

/**
 * `‖W_b‖_F / √n_b` of the effective weight, for `n_b` weights in the block. Among whole blocks of a kernel that is the
 * order of the Frobenius norm; a smaller block at a ragged edge, or a kernel with smaller blocks under a global
 * allocation, does not lose by its size.
 */
export const frobenius: Importance = {
  name: 'Frobenius norm',
  byNorm: true,
  score: (kernel) => blockRootMeanSquares(kernel.effective(), kernel.grid),
};

/**
 * The attention weight of a block under `softmaxAttention` of the same temperature and normalisation (arXiv 2402.17902
 * §3.2), as its logarithm: the same order within a layer and across layers, without the ties that clipping or underflow
 * would make. Normalised, `log A = L / τ − log mean exp(L / τ)`, where what is taken away is about as large as the
 * logits, whatever their number: of millions of nearly equal ones the order is kept. (`log G + log softmax` would round
 * them to the precision of `log G`.)
 *
 * @throws RangeError or TypeError for a parameter that is not what it is to be
 */
export function attention(
  parameters: Pick<AttentionParameters, 'temperature' | 'normalised'> = {},
): Importance {
  assertOptions('attention()', parameters, { temperature: aTemperature, normalised: trueOrFalse });
  const { temperature = 1, normalised = true } = parameters;
  return {
    name: normalised ? 'attention weight' : 'unnormalised attention weight',
    needs: ['logits'],
    score: ({ trainables: { logits } }) =>
      tf.tidy(() => {
        const scaled = (logits as tf.Tensor2D).div<tf.Tensor2D>(temperature);
        return normalised ? scaled.sub<tf.Tensor2D>(logMeanExp(scaled)) : scaled;
      }),
  };
}

/**
 * `log mean exp x`. Of numbers near to one another, relative to the largest, what is left of the exponentials is summed
 * without the 1 in each: a sum of hundreds of thousands of ones is off by more than they differ (tfjs' own on wasm).
 */
function logMeanExp(x: tf.Tensor): tf.Scalar {
  const largest = x.max<tf.Scalar>();
  const below = x.sub(largest);
  const near = below.expm1().mean().log1p();
  const far = below.exp().mean().log();
  return tf.where(below.min().greater(-1), near, far).add(largest);
}

/**
 * `‖∂L/∂W_b‖_F / √n_b`, by the loss' gradient by the effective weight, pruned blocks included; per weight as
 * `frobenius`, of which see.
 */
export const gradientNorm: Importance = {
  name: 'gradient norm',
  usesGradient: true,
  score: (kernel) => blockRootMeanSquares(kernel.gradient(), kernel.grid),
};

/**
 * The scores, and of blocks that are zero `−1 / pull`, below 0 and the higher the more pulls the block away from zero.
 * For strategies that set blocks to zero: one of those is chosen only where no other is left, and then the one that
 * would leave zero first, not the earliest.
 *
 * @param scores from 0, `[R, C]`
 * @param isZero 1 for a block that is zero, 0 for another, `[R, C]`
 * @param pull from 0, `[R, C]`
 */
export function zerosLast(scores: tf.Tensor2D, isZero: tf.Tensor2D, pull: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.where(isZero.greater(0), tf.div<tf.Tensor2D>(-1, pull.maximum(1e-30)), scores));
}

/** `frobenius`; blocks of zeros last, by `gradientNorm`. */
export const frobeniusThenGradient: Importance = {
  name: 'Frobenius norm, then gradient norm',
  byNorm: true,
  usesGradient: true,
  score: (kernel) => {
    const signs = kernel.effective().sign<tf.Tensor2D>();
    const isZero = tf.sub<tf.Tensor2D>(1, blockDot(signs, signs, kernel.grid));
    return zerosLast(frobenius.score(kernel), isZero, gradientNorm.score(kernel));
  },
};
