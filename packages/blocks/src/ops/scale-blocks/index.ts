/**
 * What pruning by blocks does to a matrix in each step.
 *
 * Two ops are adjoint to one another: `ScaleBlocks` multiplies every block by a number of its own, `BlockDot` takes the
 * inner product of two matrices block by block. `ScaleBlocksGrad` is both gradients of the former in one pass.
 */
import * as tf from '@tensorflow/tfjs';

import { assertTensor } from '../../assert-tensor.js';
import { assertGrid, blockGrid, type BlockGrid } from '../../grid.js';
import { areGradientsDifferentiated, defineOperation } from '../../operation.js';
import type { BlockAttributes } from './attributes.js';
import { blockProducts, productOfBlocks } from './composed.js';

export type { BlockAttributes };

/**
 * `out[i, j] = matrix[i, j] · scale[⌊i / Br⌋, ⌊j / Bc⌋]`. A block scaled by zero is zero, whatever it held.
 *
 * @param matrix `[n, m]`
 * @param scale one factor a block, `[R, C]`
 * @returns `[n, m]`
 * @throws RangeError for tensors that are not of the grid
 */
export function scaleBlocks(matrix: tf.Tensor2D, scale: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  assertTensor(matrix, grid.matrixShape, 'matrix', THE_GRID);
  assertTensor(scale, grid.gridShape, 'scale', THE_GRID);
  return scaled({ matrix, scale }, { blockShape: grid.blockShape });
}

/**
 * `scaleBlocks` by factors that do not train, such as those of a mask: there is no gradient by them.
 *
 * @throws RangeError for tensors that are not of the grid
 */
export function maskBlocks(matrix: tf.Tensor2D, mask: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  assertTensor(matrix, grid.matrixShape, 'matrix', THE_GRID);
  assertTensor(mask, grid.gridShape, 'mask', THE_GRID);
  const attributes = { blockShape: grid.blockShape };
  return tf.customGrad((x, save) => {
    // Of a mask that is made beside the product nothing else would be left.
    (save as tf.GradSaveFunc)([mask]);
    return {
      value: scaled({ matrix: x as tf.Tensor2D, scale: mask }, attributes),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        maskBlocks(dy as tf.Tensor2D, saved as tf.Tensor2D, grid),
    };
  })(matrix) as tf.Tensor2D;
}

/**
 * The inner product of two matrices over each block, `[R, C]`.
 *
 * @param a `[n, m]`
 * @param b `[n, m]`
 * @throws RangeError for tensors that are not of the grid
 */
export function blockDot(a: tf.Tensor2D, b: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  assertTensor(a, grid.matrixShape, 'a', THE_GRID);
  assertTensor(b, grid.matrixShape, 'b', THE_GRID);
  return dotted({ a, b }, { blockShape: grid.blockShape });
}

const THE_GRID = 'the grid';

/** The square of the smallest norm that `blockNorms` tells from zero. */
const SQUARED_NORM_FLOOR = 1e-30;

/**
 * The Frobenius norm of each block, `‖W_b‖_F`, `[R, C]`.
 *
 * The norm of a block of zeros is given as 1e-15, where its derivative is zero: without that floor the
 * derivative at a pruned block would be 0/0, and the next step's weights NaN.
 *
 * @throws TypeError, RangeError for a matrix that is not of the grid
 */
export function blockNorms(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  assertTensor(matrix, grid.matrixShape, 'matrix', THE_GRID);
  return tf.tidy(() => blockDot(matrix, matrix, grid).maximum(SQUARED_NORM_FLOOR).sqrt() as tf.Tensor2D);
}

const scaled = defineOperation<BlockAttributes, tf.Tensor2D>({
  name: 'ScaleBlocks',
  inputsToSave: ['matrix', 'scale'],
  composed: productOfBlocks,
  gradient: (flow, saved, attributes) => {
    const [dy, matrix, scale] = [flow, ...saved] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const grid = blockGrid(matrix.shape, attributes.blockShape);
    // Both at once: they are made in one pass.
    const [byMatrix, byScale] = areGradientsDifferentiated()
      ? [scaleBlocks(dy, scale, grid), blockDot(dy, matrix, grid)]
      : bothGradients({ dy, matrix, scale }, attributes);
    return { matrix: () => byMatrix as tf.Tensor, scale: () => byScale as tf.Tensor };
  },
});

const bothGradients = defineOperation<BlockAttributes, tf.Tensor[]>({
  name: 'ScaleBlocksGrad',
  composed: (inputs, { blockShape }) => {
    const { dy, matrix, scale } = inputs as Readonly<Record<string, tf.Tensor2D>>;
    const grid = blockGrid(matrix!.shape, blockShape);
    return [scaleBlocks(dy!, scale!, grid), blockDot(dy!, matrix!, grid)];
  },
});

const dotted = defineOperation<BlockAttributes, tf.Tensor2D>({
  name: 'BlockDot',
  inputsToSave: ['a', 'b'],
  composed: blockProducts,
  gradient: (flow, saved, { blockShape }) => {
    const [dy, a, b] = [flow, ...saved] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const grid = blockGrid(a.shape, blockShape);
    return { a: () => scaleBlocks(b, dy, grid), b: () => scaleBlocks(a, dy, grid) };
  },
});
