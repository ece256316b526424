/** The importance scores that more than one strategy uses. */
import * as tf from '@tensorflow/tfjs';

import { blockNorms } from './block-ops.js';
import type { Importance } from './pruner.js';

/** `‖W_b‖_F` of the effective weight. */
export const frobenius: Importance = {
  name: 'Frobenius norm',
  score: (kernel) => blockNorms(kernel.effective(), kernel.grid),
};

/**
 * The attention weight of a block under `softmaxAttention` of the same temperature (arXiv 2402.17902 §3.2),
 * as its logarithm `log A = log G + log softmax(L / τ)`: the same order within a layer and across layers,
 * without the ties that clipping or underflow would make.
 */
export function attention({ temperature = 1 }: { temperature?: number } = {}): Importance {
  return {
    name: 'attention weight',
    score: ({ trainables: { logits }, name }) => {
      if (!logits)
        throw new Error(`${name} has no logits to score by: use the parameterisation softmaxAttention()`);
      return tf.tidy(() =>
        logits
          .flatten()
          .div(temperature)
          .logSoftmax()
          .add(Math.log(logits.size))
          .reshape<tf.Tensor2D>(logits.shape),
      );
    },
  };
}

/** `‖∂L/∂W_b‖_F`, the norm of the loss' gradient by the effective weight, pruned blocks included. */
export const gradientNorm: Importance = {
  name: 'gradient norm',
  usesGradient: true,
  score: (kernel) => blockNorms(kernel.gradient(), kernel.grid),
};
