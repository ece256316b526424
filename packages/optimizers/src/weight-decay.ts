/** What the update ops share: the decay of weights as a part of the gradient. */
import * as tf from '@tensorflow/tfjs';

/** The gradient with that of an L2 penalty: `g + weightDecay · w`. */
export function decayedGradient(weight: tf.Tensor, gradient: tf.Tensor, weightDecay: number): tf.Tensor {
  return weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(weight, weightDecay));
}
