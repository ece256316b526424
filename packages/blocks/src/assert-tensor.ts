/** What an op says of a tensor that does not fit. */
import type * as tf from '@tensorflow/tfjs';

/** @throws RangeError that names the tensor, unless it is float32 and of this shape */
export function assertTensor(tensor: tf.Tensor, shape: readonly number[], name: string, of: string): void {
  if (tensor.dtype !== 'float32') throw new RangeError(`${name} is of ${tensor.dtype}: ${of} is of float32`);
  if (tensor.shape.length === shape.length && tensor.shape.every((size, i) => size === shape[i])) return;
  throw new RangeError(`${name} has shape [${tensor.shape.join(', ')}], ${of} wants [${shape.join(', ')}]`);
}
