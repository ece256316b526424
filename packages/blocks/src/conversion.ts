/** Between a dense matrix and the values of its kept blocks, as arrays: exact to the bit. */
import { assertPattern } from './assert-tensor.js';
import { describeValue } from './describe-value.js';
import { eachWeight } from './pattern-blocks.js';
import type { BlockPattern } from './pattern.js';

/**
 * The kept weights of a matrix `[n, m]`, given row by row: `[size]`.
 *
 * @throws RangeError for a matrix of another size
 */
export function valuesOf(dense: ArrayLike<number>, pattern: BlockPattern): Float32Array {
  assertPattern(pattern);
  const [n, m] = pattern.matrixShape;
  assertLength(dense, n * m, `a ${n}×${m} matrix`);
  const values = new Float32Array(pattern.size);
  eachWeight(pattern, (value, inMatrix) => (values[value] = dense[inMatrix]!));
  return values;
}

/**
 * The matrix `[n, m]`, row by row, that has the values `[size]` at the kept blocks and zeros elsewhere.
 *
 * @throws RangeError for another number of values
 */
export function denseOf(values: ArrayLike<number>, pattern: BlockPattern): Float32Array {
  assertPattern(pattern);
  const [n, m] = pattern.matrixShape;
  assertLength(values, pattern.size, `${pattern.blocks} kept blocks`);
  const dense = new Float32Array(n * m);
  eachWeight(pattern, (value, inMatrix) => (dense[inMatrix] = values[value]!));
  return dense;
}

function assertLength(numbers: ArrayLike<number>, expected: number, what: string): void {
  if (!Array.isArray(numbers) && !ArrayBuffer.isView(numbers)) {
    throw new TypeError(`The weights of ${what} are ${describeValue(numbers)}, not an array of numbers`);
  }
  const { length } = numbers;
  if (length !== expected) throw new RangeError(`${what} has ${expected} weights, not ${length}`);
}
