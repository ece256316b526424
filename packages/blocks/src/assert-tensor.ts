/** What an op says of an argument that does not fit. */
import * as tf from '@tensorflow/tfjs';

import { describeValue } from './describe-value.js';
import { BlockPattern } from './pattern.js';

/** @throws TypeError for what is no tensor; RangeError that names the tensor, unless it is float32 and of this shape */
export function assertTensor(tensor: tf.Tensor, shape: readonly number[], name: string, of: string): void {
  assertIsTensor(tensor, name);
  if (tensor.dtype !== 'float32') throw new RangeError(`${name} is of ${tensor.dtype}: ${of} is of float32`);
  if (tensor.shape.length === shape.length && tensor.shape.every((size, i) => size === shape[i])) return;
  throw new RangeError(`${name} has shape [${tensor.shape.join(', ')}], ${of} wants [${shape.join(', ')}]`);
}

/** @throws TypeError for what is no tensor */
export function assertIsTensor(tensor: tf.Tensor, name: string): void {
  if (!(tensor instanceof tf.Tensor))
    throw new TypeError(`${name} is ${describeValue(tensor)}, not a tensor`);
}

/** @throws TypeError for what is no pattern */
export function assertPattern(pattern: BlockPattern): void {
  if (pattern instanceof BlockPattern) return;
  throw new TypeError(`pattern is ${describeValue(pattern)}, not a BlockPattern, as patternOf() makes one`);
}

/** @throws TypeError for what is no such choice */
export function assertChoice(value: unknown, choices: readonly unknown[], name: string): void {
  if (choices.includes(value)) return;
  const known = choices.map((choice) => (typeof choice === 'string' ? `'${choice}'` : String(choice)));
  throw new TypeError(`${name} is ${describeValue(value)}, and is to be ${known.join(' or ')}`);
}
