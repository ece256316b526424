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

/** What a backend's `SoftmaxAttention { logits }` and `SoftmaxAttentionGrad { dy, logits }` kernels are given beside them. */
export interface AttentionKernelAttributes extends tf.NamedAttrMap {
  temperature: number;
  minimum: number;
  maximum: number;
}

/** The attention clipped to `[d, 1/d]`, `[R, C]`: a backend's own kernel where there is one, else in tfjs' operations. */
function clippedAttention(
  logits: tf.Tensor2D,
  temperature: number,
  [minimum, maximum]: readonly [number, number],
): tf.Tensor2D {
  if (!tf.getKernel('SoftmaxAttention', tf.getBackend())) {
    return tf.clipByValue(attentionWeights(logits, temperature), minimum, maximum);
  }
  const attributes: AttentionKernelAttributes = { temperature, minimum, maximum };
  return tf.engine().runKernel('SoftmaxAttention', { logits }, attributes) as tf.Tensor2D;
}

/**
 * `∂/∂L = A · (g − mean(A · g)) / τ`, g being the gradient by the clipped `A` where it is not clipped, else 0. In tfjs'
 * operations where there is no kernel for it, or where the gradient is itself differentiated.
 */
tf.registerGradient({
  kernelName: 'SoftmaxAttention',
  inputsToSave: ['logits'],
  gradFunc: (flow, saved, attributes) => {
    const [dy, logits] = [flow, saved[0]] as [tf.Tensor2D, tf.Tensor2D];
    const { temperature, minimum, maximum } = attributes as AttentionKernelAttributes;
    const composed = () => {
      const weights = attentionWeights(logits, temperature);
      const within = weights.greaterEqual(minimum).logicalAnd(weights.lessEqual(maximum));
      const g = dy.where(within, tf.zerosLike(dy));
      return weights.mul(g.sub(weights.mul(g).mean())).div(temperature);
    };
    const fused =
      tf.engine().state.gradientDepth === 0 && tf.getKernel('SoftmaxAttentionGrad', tf.getBackend());
    return {
      logits: () =>
        fused ? tf.engine().runKernel('SoftmaxAttentionGrad', { dy, logits }, attributes) : composed(),
    };
  },
});

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
      clippedAttention(logits as tf.Tensor2D, temperature, [density, 1 / density]),
  };
}
