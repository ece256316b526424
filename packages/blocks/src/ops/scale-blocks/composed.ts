/** The ops on the blocks of a matrix by ops of tfjs. */
import * as tf from '@tensorflow/tfjs';

import { blockGrid, type BlockGrid } from '../../grid.js';
import type { OperationInputs } from '../../operation.js';
import type { BlockAttributes } from './attributes.js';

/** ScaleBlocks: matrix `[n, m]`, scale `[R, C]` → `[n, m]`; a block scaled by zero is zero, whatever it held. */
export function productOfBlocks(
  { matrix, scale }: OperationInputs,
  { blockShape }: BlockAttributes,
): tf.Tensor2D {
  const grid = blockGrid((matrix as tf.Tensor2D).shape, blockShape);
  const [gridRows, gridColumns] = grid.gridShape;
  const blocks = cutIntoBlocks(matrix as tf.Tensor2D, grid);
  const factors = scale!.reshape([gridRows, 1, gridColumns, 1]);
  const zeros = tf.zerosLike(blocks);
  // NaN · 0 would be NaN. The condition is spread by a sum, which backends do faster than tf.where would.
  const kept = zeros.add(factors).notEqual(zeros);
  const scaled = tf.where(kept, blocks.mul(factors), zeros);
  return joinBlocks(scaled as tf.Tensor4D, grid);
}

/** BlockDot: a, b `[n, m]` → `[R, C]`. */
export function blockProducts({ a, b }: OperationInputs, { blockShape }: BlockAttributes): tf.Tensor2D {
  const grid = blockGrid((a as tf.Tensor2D).shape, blockShape);
  return cutIntoBlocks(a!.mul(b!), grid).sum([1, 3]);
}

/** `[n, m]` to `[R, Br, C, Bc]`, zeros beyond the ragged edges. */
function cutIntoBlocks(matrix: tf.Tensor2D, grid: BlockGrid): tf.Tensor4D {
  const [n, m] = grid.matrixShape;
  const [blockRows, blockColumns] = grid.blockShape;
  const [gridRows, gridColumns] = grid.gridShape;
  const below = gridRows * blockRows - n;
  const right = gridColumns * blockColumns - m;
  const whole =
    below === 0 && right === 0
      ? matrix
      : matrix.pad([
          [0, below],
          [0, right],
        ]);
  return whole.reshape([gridRows, blockRows, gridColumns, blockColumns]);
}

/** `[R, Br, C, Bc]` back to `[n, m]`, what lies beyond the ragged edges cut off. */
function joinBlocks(blocks: tf.Tensor4D, grid: BlockGrid): tf.Tensor2D {
  const [n, m] = grid.matrixShape;
  const rows = grid.gridShape[0] * grid.blockShape[0];
  const columns = grid.gridShape[1] * grid.blockShape[1];
  const whole = blocks.reshape<tf.Tensor2D>([rows, columns]);
  return rows === n && columns === m ? whole : whole.slice([0, 0], [n, m]);
}
