/**
 * What pruning by blocks does to a matrix in each step.
 *
 * Two ops are adjoint to one another: `ScaleBlocks` multiplies every block by a number of its own, `BlockDot` takes the
 * inner product of two matrices block by block. `ScaleBlocksGrad` is both gradients of the former in one pass.
 */
import * as tf from '@tensorflow/tfjs';

import { assertTensor } from '../../assert-tensor.js';
import { assertGrid, blockGrid, blockSize, type BlockGrid } from '../../grid.js';
import { SQUARED_NORM_FLOOR } from '../../norm-floor.js';
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
 *
 * @example
 * ```ts
 * import { blockGrid, scaleBlocks } from '@espalier/blocks';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const grid = blockGrid([3, 4], [2, 2]); // the last row of blocks has one row of the matrix
 * const scaled = scaleBlocks(tf.ones([3, 4]), tf.tensor2d([[1, 2], [3, 0]]), grid);
 * console.log(scaled.arraySync()); // [ [ 1, 1, 2, 2 ], [ 1, 1, 2, 2 ], [ 3, 3, 0, 0 ] ]
 * ```
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

/**
 * The Frobenius norm of each block, `‖W_b‖_F`, `[R, C]`.
 *
 * The norm of a block of zeros is given as 1e-15, where its derivative is zero: without that floor the
 * derivative at a pruned block would be 0/0, and the next step's weights NaN.
 *
 * @throws TypeError, RangeError for a matrix that is not of the grid
 */
export function blockNorms(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  return tf.tidy(() => rootOf(sumsOfSquares(matrix, grid)));
}

/**
 * The root of the mean of each block's squares, over the weights that are there, `[R, C]`: what blocks are compared by
 * where not all are of one size, those at ragged edges and those of other kernels. 1e-15 for a block of zeros.
 */
export function blockRootMeanSquares(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  return tf.tidy(() => rootOf(sumsOfSquares(matrix, grid).div(blockSizes(grid))));
}

/**
 * The Frobenius norm of each block, that of one at a ragged edge as if it were whole: `‖W_b‖_F · √(Br·Bc / n_b)` for
 * `n_b` weights that are there, `[R, C]`. What a threshold on norms goes by, so that small blocks do not fall below it
 * for their size. 1e-15 for a block of zeros, where its derivative is zero.
 */
export function wholeBlockNorms(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  if (isWhole(grid)) return blockNorms(matrix, grid);
  const [blockRows, blockColumns] = grid.blockShape;
  return tf.tidy(() =>
    rootOf(sumsOfSquares(matrix, grid).mul(tf.div(blockRows * blockColumns, blockSizes(grid)))),
  );
}

/** @throws TypeError, RangeError for a matrix that is not of the grid */
function sumsOfSquares(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor2D {
  assertGrid(grid);
  assertTensor(matrix, grid.matrixShape, 'matrix', THE_GRID);
  return blockDot(matrix, matrix, grid);
}

function rootOf(squares: tf.Tensor): tf.Tensor2D {
  return squares.maximum(SQUARED_NORM_FLOOR).sqrt() as tf.Tensor2D;
}

/** The number of weights of each block, `[R, C]`; a scalar where all have as many. */
function blockSizes(grid: BlockGrid): tf.Tensor {
  const [blockRows, blockColumns] = grid.blockShape;
  if (isWhole(grid)) return tf.scalar(blockRows * blockColumns);
  const sizes = Float32Array.from({ length: grid.blocks }, (_, block) => blockSize(grid, block));
  return tf.tensor2d(sizes, [...grid.gridShape]);
}

/** Whether the blocks divide the matrix. */
function isWhole({ matrixShape: [n, m], blockShape: [blockRows, blockColumns] }: BlockGrid): boolean {
  return n % blockRows === 0 && m % blockColumns === 0;
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
