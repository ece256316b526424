/**
 * `max` and `min`: where several elements are the largest, tfjs gives each of them the whole gradient, which is the gradient
 * of nothing. They share it, as in TensorFlow.
 */
import * as tf from '@tensorflow/tfjs';

import type { Gradient, Repair } from '../repair.js';

const extreme = (axesOf: string): Gradient => ({
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradient: (dy, saved, attrs) => {
    const [x, y] = saved as [tf.Tensor, tf.Tensor];
    const axes = tf.util.parseAxisParam(attrs[axesOf] as number[], x.shape);
    const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
    return {
      x: () => {
        const chosen = tf.cast(tf.equal(x, tf.reshape(y, kept)), 'float32');
        const share = tf.div(tf.reshape(dy, kept), tf.sum(chosen, axes, true));
        return tf.mul(chosen, share);
      },
    };
  },
});

export const extremes: Repair = {
  gradients: { Max: () => extreme('reductionIndices'), Min: () => extreme('axis') },
};
