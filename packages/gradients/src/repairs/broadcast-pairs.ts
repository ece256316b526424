/**
 * `maximum`, `minimum` and `squaredDifference`: tfjs does not sum the gradient over the axes that were broadcast, and throws.
 * Where both are as large, the gradient is the first one's.
 */
import * as tf from '@tensorflow/tfjs';

import { sumTo } from '../axes.js';
import type { Gradient, Repair } from '../repair.js';

/** By the partial derivative by each input. */
const pair = (partial: (a: tf.Tensor, b: tf.Tensor) => [tf.Tensor, tf.Tensor]): Gradient => ({
  inputsToSave: ['a', 'b'],
  gradient: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const by = (which: 0 | 1) => () => {
      const slope = tf.cast(partial(a, b)[which], 'float32');
      return sumTo(tf.mul(dy, slope), [a, b][which]!.shape);
    };
    return { a: by(0), b: by(1) };
  },
});

export const broadcastPairs: Repair = {
  gradients: {
    Maximum: () => pair((a, b) => [tf.greaterEqual(a, b), tf.less(a, b)]),
    Minimum: () => pair((a, b) => [tf.lessEqual(a, b), tf.greater(a, b)]),
    SquaredDifference: () => pair((a, b) => [tf.mul(2, tf.sub(a, b)), tf.mul(2, tf.sub(b, a))]),
  },
};
