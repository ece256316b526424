/** `tile`, and `broadcastTo`, which is made of it: tfjs has no gradient for more than four axes. */
import * as tf from '@tensorflow/tfjs';

import type { Repair } from '../repair.js';

export const tile: Repair = {
  gradients: {
    Tile: () => ({
      inputsToSave: ['x'],
      gradient: (dy, [x], attrs) => ({ x: () => sumOfCopies(dy, x!.shape, attrs['reps'] as number[]) }),
    }),
  },
};

/** Along each axis, the copies lie one after another. */
function sumOfCopies(dy: tf.Tensor, shape: readonly number[], reps: readonly number[]): tf.Tensor {
  const sum = reps.reduce((folded, copies, axis) => {
    if (copies === 1) return folded;
    const before = tf.util.sizeFromShape(shape.slice(0, axis));
    const after = shape.slice(axis + 1).map((size, i) => size * reps[axis + 1 + i]!);
    const one = shape[axis]! * tf.util.sizeFromShape(after);
    return tf.sum(tf.reshape(folded, [before, copies, one]), 1);
  }, tf.clone(dy));
  return tf.reshape(sum, [...shape]);
}
