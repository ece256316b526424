/**
 * Products with block-sparse kernels, as differentiable ops.
 *
 * The kernel is a matrix W `[n, m]` of which a `BlockPattern` keeps some blocks; `values` `[pattern.size]` holds the
 * weights of those, and every gradient is computed at those alone. All tensors are float32.
 */
import * as tf from '@tensorflow/tfjs';

import { assertChoice, assertIsTensor, assertPattern, assertTensor } from '../../assert-tensor.js';
import { assertKnownOptions } from '../../known-options.js';
import { defineOperation } from '../../operation.js';
import { BLOCK_SPARSE_KERNEL, type BlockPattern, type PatternAttribute } from '../../pattern.js';
import type { Activation, MatMulAttributes } from './attributes.js';
import { product, weightGradient } from './composed.js';

export type { Activation, MatMulAttributes };

export interface MatMulOptions {
  /** Added to each row of x·W, `[m]`. */
  readonly bias?: tf.Tensor1D;
  /** Applied to x·W + bias; `'linear'` when absent. */
  readonly activation?: Activation;
  /** Multiplies by Wᵀ: x is `[B, m]`, the result `[B, n]`. Takes no bias and no activation. */
  readonly transposed?: boolean;
}

const OPTIONS: readonly (keyof MatMulOptions)[] = ['bias', 'activation', 'transposed'];
export const ACTIVATIONS: readonly Activation[] = ['linear', 'relu'];

/**
 * x·W, or x·Wᵀ, over the kept blocks alone.
 *
 * @param x `[B, n]`; `[B, m]` when transposed
 * @param values `[size]`
 * @returns `[B, m]`; `[B, n]` when transposed
 * @throws TypeError for arguments of other types and options that there are not; RangeError for shapes that do not fit the
 *   pattern
 */
export function blockSparseMatMul(
  x: tf.Tensor2D,
  values: tf.Tensor1D,
  pattern: BlockPattern,
  options: MatMulOptions = {},
): tf.Tensor2D {
  assertPattern(pattern);
  assertKnownOptions(options, OPTIONS, 'blockSparseMatMul()');
  const { bias, activation = 'linear', transposed = false } = options;
  assertChoice(activation, ACTIVATIONS, 'activation');
  assertChoice(transposed, [true, false], 'transposed');
  assertIsTensor(x, 'x');
  const [n, m] = pattern.matrixShape;
  assertTensor(x, [x.shape[0], transposed ? m : n], 'x', BLOCK_SPARSE_KERNEL);
  assertTensor(values, [pattern.size], 'values', BLOCK_SPARSE_KERNEL);
  if (transposed && (bias || activation !== 'linear')) {
    throw new RangeError('The product with the transposed kernel takes no bias and no activation');
  }
  if (bias) assertTensor(bias, [m], 'bias', BLOCK_SPARSE_KERNEL);
  return matMul({ x, values, ...(bias && { bias }) }, { pattern, transposed, activation });
}

/** xᵀ·dy at the kept blocks, `[size]`: the gradient of x·W by the values. x is `[B, n]`, dy `[B, m]`. */
export function blockSparseWeightGradient(
  x: tf.Tensor2D,
  dy: tf.Tensor2D,
  pattern: BlockPattern,
): tf.Tensor1D {
  assertPattern(pattern);
  assertIsTensor(x, 'x');
  const [n, m] = pattern.matrixShape;
  assertTensor(x, [x.shape[0], n], 'x', BLOCK_SPARSE_KERNEL);
  assertTensor(dy, [x.shape[0], m], 'dy', BLOCK_SPARSE_KERNEL);
  return weightGradientAtBlocks({ x, dy }, { pattern });
}

/** The gradient by a bias. tfjs' sum of no rows leaves what lay in the memory (wasm, 4.22). */
export function sumOfRows(rows: tf.Tensor2D): tf.Tensor1D {
  return rows.shape[0] === 0 ? tf.zeros([rows.shape[1]]) : rows.sum<tf.Tensor1D>(0);
}

const matMul = defineOperation<MatMulAttributes, tf.Tensor2D>({
  name: 'BlockSparseMatMul',
  inputsToSave: ['x', 'values'],
  savesOutput: true,
  composed: product,
  gradient: (dy, [x, values, y], { pattern, transposed, activation }) => {
    // Once for all that ask for it, as tfjs' own fused ops do.
    const byProduct = activation === 'relu' ? dy.mul<tf.Tensor2D>(y!.step()) : (dy as tf.Tensor2D);
    return {
      x: () => blockSparseMatMul(byProduct, values as tf.Tensor1D, pattern, { transposed: !transposed }),
      values: () =>
        transposed
          ? blockSparseWeightGradient(byProduct, x as tf.Tensor2D, pattern)
          : blockSparseWeightGradient(x as tf.Tensor2D, byProduct, pattern),
      bias: () => sumOfRows(byProduct),
    };
  },
});

const weightGradientAtBlocks = defineOperation<PatternAttribute, tf.Tensor1D>({
  name: 'BlockSparseWeightGradient',
  inputsToSave: ['x', 'dy'],
  composed: weightGradient,
  gradient: (ddv, [x, dy], { pattern }) => ({
    x: () => blockSparseMatMul(dy as tf.Tensor2D, ddv as tf.Tensor1D, pattern, { transposed: true }),
    dy: () => blockSparseMatMul(x as tf.Tensor2D, ddv as tf.Tensor1D, pattern),
  }),
});
