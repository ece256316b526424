/**
 * Products with block-sparse kernels, and what belongs to them, as differentiable tfjs ops.
 *
 * The kernel is a matrix W `[n, m]` of which a `BlockPattern` keeps some blocks; `values` `[pattern.size]` holds the
 * weights of those, and every gradient is computed at those alone. All tensors are float32.
 */
import * as tf from '@tensorflow/tfjs';

import type { Activation, MatMulAttributes, PatchAttributes, PatternAttribute } from './attributes.js';
import { dotOfBlocks, gatheredBlocks, scaledBlocks, scatteredBlocks } from './composed/blocks.js';
import { foldedPatches, unfoldedPatches } from './composed/patches.js';
import { product, weightGradient } from './composed/products.js';
import { defineOperation } from './kernel.js';
import type { ConvolutionInfo } from './convolution-info.js';
import type { BlockPattern } from './pattern.js';

export interface MatMulOptions {
  /** Added to each row of x·W, `[m]`. */
  readonly bias?: tf.Tensor1D;
  /** Applied to x·W + bias; `'linear'` when absent. */
  readonly activation?: Activation;
  /** Multiplies by Wᵀ: x is `[B, m]`, the result `[B, n]`. Takes no bias and no activation. */
  readonly transposed?: boolean;
}

/**
 * x·W, or x·Wᵀ, over the kept blocks alone.
 *
 * @param x `[B, n]`; `[B, m]` when transposed
 * @param values `[size]`
 * @returns `[B, m]`; `[B, n]` when transposed
 * @throws RangeError for shapes that do not fit the pattern
 */
export function blockSparseMatMul(
  x: tf.Tensor2D,
  values: tf.Tensor1D,
  pattern: BlockPattern,
  { bias, activation = 'linear', transposed = false }: MatMulOptions = {},
): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  assertShape(x, [x.shape[0], transposed ? m : n], 'x');
  assertShape(values, [pattern.size], 'values');
  if (transposed && (bias || activation !== 'linear')) {
    throw new RangeError('The product with the transposed kernel takes no bias and no activation');
  }
  if (bias) assertShape(bias, [m], 'bias');
  return matMul({ x, values, ...(bias && { bias }) }, { pattern, transposed, activation });
}

/** xᵀ·dy at the kept blocks, `[size]`: the gradient of x·W by the values. x is `[B, n]`, dy `[B, m]`. */
export function blockSparseWeightGradient(
  x: tf.Tensor2D,
  dy: tf.Tensor2D,
  pattern: BlockPattern,
): tf.Tensor1D {
  const [n, m] = pattern.matrixShape;
  assertShape(x, [x.shape[0], n], 'x');
  assertShape(dy, [x.shape[0], m], 'dy');
  return weightGradientAtBlocks({ x, dy }, { pattern });
}

/** The kept blocks of a matrix `[n, m]` as values `[size]`. Adjoint to `scatterBlocks`. */
export function gatherBlocks(matrix: tf.Tensor2D, pattern: BlockPattern): tf.Tensor1D {
  assertShape(matrix, pattern.matrixShape, 'matrix');
  return gather({ matrix }, { pattern });
}

/** The matrix `[n, m]` that has the values `[size]` at the kept blocks and zeros elsewhere. */
export function scatterBlocks(values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  assertShape(values, [pattern.size], 'values');
  return scatter({ values }, { pattern });
}

/**
 * Each kept block's values times a factor of its own.
 *
 * @param values `[size]`
 * @param scale a factor for each block, kept or not, `[R, C]`
 * @returns `[size]`
 */
export function scaleBlockValues(
  values: tf.Tensor1D,
  scale: tf.Tensor2D,
  pattern: BlockPattern,
): tf.Tensor1D {
  assertShape(values, [pattern.size], 'values');
  assertShape(scale, pattern.grid.gridShape, 'scale');
  return scaleValues({ values, scale }, { pattern });
}

/** The inner product of a and b, both `[size]`, over each kept block, `[R, C]`; 0 where a block is pruned. */
export function blockValuesDot(a: tf.Tensor1D, b: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  assertShape(a, [pattern.size], 'a');
  assertShape(b, [pattern.size], 'b');
  return valuesDot({ a, b }, { pattern });
}

/** The patches of an image under each place of a filter, `[B·OH·OW, h·w·C]`. Adjoint to `col2im`. */
export function im2col(x: tf.Tensor4D, info: ConvolutionInfo): tf.Tensor2D {
  return unfold({ x }, { info });
}

/** `[B, H, W, C]`: every patch added where it was taken from. */
export function col2im(patches: tf.Tensor2D, info: ConvolutionInfo): tf.Tensor4D {
  return fold({ patches }, { info });
}

const matMul = defineOperation<MatMulAttributes>({
  name: 'BlockSparseMatMul',
  inputsToSave: ['x', 'values'],
  savesOutput: true,
  composed: product,
  gradient: (dy, [x, values, y], { pattern, transposed, activation }) => {
    const byProduct = activation === 'relu' ? () => dy.mul<tf.Tensor2D>(y!.step()) : () => dy as tf.Tensor2D;
    return {
      x: () => blockSparseMatMul(byProduct(), values as tf.Tensor1D, pattern, { transposed: !transposed }),
      values: () =>
        transposed
          ? blockSparseWeightGradient(byProduct(), x as tf.Tensor2D, pattern)
          : blockSparseWeightGradient(x as tf.Tensor2D, byProduct(), pattern),
      bias: () => byProduct().sum(0),
    };
  },
});

const weightGradientAtBlocks = defineOperation<PatternAttribute>({
  name: 'BlockSparseWeightGradient',
  inputsToSave: ['x', 'dy'],
  composed: weightGradient,
  gradient: (ddv, [x, dy], { pattern }) => ({
    x: () => blockSparseMatMul(dy as tf.Tensor2D, ddv as tf.Tensor1D, pattern, { transposed: true }),
    dy: () => blockSparseMatMul(x as tf.Tensor2D, ddv as tf.Tensor1D, pattern),
  }),
});

const gather = defineOperation<PatternAttribute>({
  name: 'GatherBlocks',
  composed: gatheredBlocks,
  gradient: (dy, _saved, { pattern }) => ({ matrix: () => scatterBlocks(dy as tf.Tensor1D, pattern) }),
});

const scatter = defineOperation<PatternAttribute>({
  name: 'ScatterBlocks',
  composed: scatteredBlocks,
  gradient: (dy, _saved, { pattern }) => ({ values: () => gatherBlocks(dy as tf.Tensor2D, pattern) }),
});

const scaleValues = defineOperation<PatternAttribute>({
  name: 'ScaleBlockValues',
  inputsToSave: ['values', 'scale'],
  composed: scaledBlocks,
  gradient: (dy, [values, scale], { pattern }) => ({
    values: () => scaleBlockValues(dy as tf.Tensor1D, scale as tf.Tensor2D, pattern),
    scale: () => blockValuesDot(dy as tf.Tensor1D, values as tf.Tensor1D, pattern),
  }),
});

const valuesDot = defineOperation<PatternAttribute>({
  name: 'BlockValuesDot',
  inputsToSave: ['a', 'b'],
  composed: dotOfBlocks,
  gradient: (dy, [a, b], { pattern }) => ({
    a: () => scaleBlockValues(b as tf.Tensor1D, dy as tf.Tensor2D, pattern),
    b: () => scaleBlockValues(a as tf.Tensor1D, dy as tf.Tensor2D, pattern),
  }),
});

const unfold = defineOperation<PatchAttributes>({
  name: 'Im2Col',
  composed: unfoldedPatches,
  gradient: (dy, _saved, { info }) => ({ x: () => col2im(dy as tf.Tensor2D, info) }),
});

const fold = defineOperation<PatchAttributes>({
  name: 'Col2Im',
  composed: foldedPatches,
  gradient: (dy, _saved, { info }) => ({ patches: () => im2col(dy as tf.Tensor4D, info) }),
});

function assertShape(tensor: tf.Tensor, expected: readonly number[], name: string): void {
  if (tensor.dtype !== 'float32') {
    throw new RangeError(`${name} is of ${tensor.dtype}: block-sparse products are of float32`);
  }
  if (tensor.shape.length === expected.length && tensor.shape.every((size, i) => size === expected[i]))
    return;
  throw new RangeError(
    `${name} has shape [${tensor.shape.join(', ')}], the block-sparse kernel wants [${expected.join(', ')}]`,
  );
}
