/**
 * What is done with the values of kept blocks as `ScaleBlocks` and `BlockDot` do it with a matrix: a factor for each
 * block, and the inner product over each. Adjoint to one another.
 */
import * as tf from '@tensorflow/tfjs';

import { assertPattern, assertTensor } from '../../assert-tensor.js';
import { defineOperation } from '../../operation.js';
import { blocksOfPattern } from '../../pattern-blocks.js';
import { BLOCK_SPARSE_KERNEL, type BlockPattern, type PatternAttribute } from '../../pattern.js';
import { tablesOf, wholeBlocks } from '../../pattern-tables.js';

/**
 * Each kept block's values times a factor of its own. A block of factor zero is zero, whatever it held.
 *
 * @param values `[size]`
 * @param scale a factor for each block, kept or not, `[R, C]`
 * @returns `[size]`
 * @throws RangeError for tensors that are not of the pattern
 */
export function scaleBlockValues(
  values: tf.Tensor1D,
  scale: tf.Tensor2D,
  pattern: BlockPattern,
): tf.Tensor1D {
  assertPattern(pattern);
  assertTensor(values, [pattern.size], 'values', BLOCK_SPARSE_KERNEL);
  assertTensor(scale, pattern.grid.gridShape, 'scale', BLOCK_SPARSE_KERNEL);
  return scaleValues({ values, scale }, { pattern });
}

/**
 * The inner product of a and b, both `[size]`, over each kept block, `[R, C]`; 0 where a block is pruned.
 *
 * @throws RangeError for another number of values
 */
export function blockValuesDot(a: tf.Tensor1D, b: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  assertPattern(pattern);
  assertTensor(a, [pattern.size], 'a', BLOCK_SPARSE_KERNEL);
  assertTensor(b, [pattern.size], 'b', BLOCK_SPARSE_KERNEL);
  return valuesDot({ a, b }, { pattern });
}

const scaleValues = defineOperation<PatternAttribute, tf.Tensor1D>({
  name: 'ScaleBlockValues',
  inputsToSave: ['values', 'scale'],
  composed: ({ values, scale }, { pattern }) => {
    // Nothing is kept, and native TensorFlow spreads no number over nothing.
    if (pattern.size === 0) return tf.zeros([0]);
    const factors = scale!.flatten().gather<tf.Tensor1D>(tf.tensor1d(tablesOf(pattern).block, 'int32'));
    // NaN · 0 would be NaN.
    return tf.where(factors.notEqual(0), values!.mul(factors), 0) as tf.Tensor1D;
  },
  gradient: (dy, [values, scale], { pattern }) => ({
    values: () => scaleBlockValues(dy as tf.Tensor1D, scale as tf.Tensor2D, pattern),
    scale: () => blockValuesDot(dy as tf.Tensor1D, values as tf.Tensor1D, pattern),
  }),
});

const valuesDot = defineOperation<PatternAttribute, tf.Tensor2D>({
  name: 'BlockValuesDot',
  inputsToSave: ['a', 'b'],
  composed: ({ a, b }, { pattern }) => {
    const [rows, columns] = pattern.grid.gridShape;
    if (pattern.blocks === 0) return tf.zeros([rows, columns]);
    const sums = wholeBlocks(a!.mul(b!), pattern).sum([1, 2]);
    const places = Int32Array.from(blocksOfPattern(pattern), ({ row, column }) => row * columns + column);
    const at = tf.tensor2d(places, [places.length, 1], 'int32');
    return tf.scatterND(at, sums, [rows * columns]).reshape([rows, columns]);
  },
  gradient: (dy, [a, b], { pattern }) => ({
    a: () => scaleBlockValues(b as tf.Tensor1D, dy as tf.Tensor2D, pattern),
    b: () => scaleBlockValues(a as tf.Tensor1D, dy as tf.Tensor2D, pattern),
  }),
});
