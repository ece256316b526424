/** Whether a tensor can be had, asked before it is made. */
import * as tf from '@tensorflow/tfjs';

import { assertRoom, type WasmHeap } from './backends/wasm/heap.js';
import { describeValue } from './describe-value.js';
import { MOST_WEIGHTS } from './grid.js';

/**
 * That there can be a tensor of float32 of this shape on the backend in use. tfjs takes what it asks of the wasm backend's
 * memory modulo 4 GiB, and goes on where it is refused: such a tensor lies over others.
 *
 * @param name what it is for, in the error
 * @throws RangeError for lengths that are no whole numbers from 0 on, or more than 2³⁰ numbers; Error where memory is full
 */
export function assertCanBeMade(shape: readonly number[], name: string): void {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isInteger(length) && length >= 0)) {
    throw new RangeError(
      `${name} would be of shape ${describeValue(shape)}: lengths are whole numbers from 0 on`,
    );
  }
  const size = shape.reduce((product, length) => product * length, 1);
  if (size > MOST_WEIGHTS) {
    throw new RangeError(
      `${name} would be of shape [${shape.join(', ')}]: more than ${MOST_WEIGHTS} numbers, 4 GiB in float32`,
    );
  }
  if (tf.getBackend() === 'wasm') assertRoom(tf.backend() as unknown as WasmHeap, 4 * size);
}
