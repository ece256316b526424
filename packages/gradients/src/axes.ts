/** Tensors as three axes around one of theirs, and gradients summed back to what was broadcast. */
import * as tf from '@tensorflow/tfjs';

const sizeOf = (shape: readonly number[]) => tf.util.sizeFromShape([...shape]);

/** The tensor as `[before, axis, after]`. Every backend has its ops for three axes; not all have them for six. */
export function around(x: tf.Tensor, axis: number): tf.Tensor3D {
  return tf.reshape(x, [sizeOf(x.shape.slice(0, axis)), x.shape[axis]!, sizeOf(x.shape.slice(axis + 1))]);
}

/** A piece of the middle axis. */
export function piece(x: tf.Tensor3D, begin: number, length: number): tf.Tensor3D {
  return tf.slice(x, [0, begin, 0], [x.shape[0], length, x.shape[2]]);
}

/** The axis as it is counted from the front. */
export function fromFront(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Sums a gradient over the axes along which an input of this shape was broadcast. */
export function sumTo(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const missing = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((size, axis) =>
    axis < missing || shape[axis - missing] !== size ? [axis] : [],
  );
  return tf.reshape(axes.length > 0 ? tf.sum(gradient, axes) : gradient, [...shape]);
}
