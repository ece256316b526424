/** The parameterisations that more than one strategy uses. */
import * as tf from '@tensorflow/tfjs';

import type { Parameterisation, PrunedKernel, Trainables } from './pruner.js';

/** The optimiser trains the weight itself. */
export const identity: Parameterisation = { name: 'identity' };

/**
 * `A = G · softmax(L / τ)`, mean 1, `[R, C]`, from logits `L` of the same shape.
 *
 * Equal logits give exactly 1: they are divided by `1 / G`, which is what the softmax makes of them, as the
 * product `G · (1 / G)` is one unit in the last place off for every seventh `G`.
 */
export function attentionWeights(logits: tf.Tensor2D, temperature: number): tf.Tensor2D {
  return tf.tidy(() => {
    const uniform = 1 / logits.size;
    return logits.flatten().div(temperature).softmax().div(uniform).reshape<tf.Tensor2D>(logits.shape);
  });
}

/**
 * `W_b = A_b · V_b`, with the attention clipped to `[d, 1/d]` (arXiv 2402.17902 §3.1 and §4.1; Yasuda et al.,
 * arXiv 2209.14881). The logits start at zero, so that `A = 1`.
 *
 * @param temperature τ, above 0; 0.25 for unstructured pruning, 1 otherwise
 * @throws RangeError for a temperature that is not above 0.
 */
export function softmaxAttention({ temperature = 1 }: { temperature?: number } = {}): Parameterisation {
  if (!(temperature > 0 && Number.isFinite(temperature))) {
    throw new RangeError(`The softmax temperature τ = ${temperature} is not a finite number above 0`);
  }
  return {
    name: 'softmax attention',
    trainables: ({ grid }: PrunedKernel): Trainables => ({ logits: tf.zeros([...grid.gridShape]) }),
    blockScale: (_raw, { logits }, { density }) =>
      tf.clipByValue(attentionWeights(logits as tf.Tensor2D, temperature), density, 1 / density),
  };
}
