/**
 * Rows of a block-sparse matrix by their numbers, as an embedding looks them up, and its adjoint; the matrix is never made
 * whole.
 *
 * Composed, both are gathers: a row is made of one row of each block beside it, of a kept block's own, or of a block of
 * zeros that stands before all of them.
 */
import * as tf from '@tensorflow/tfjs';

import { assertIsTensor, assertPattern, assertTensor } from '../../assert-tensor.js';
import { defineOperation } from '../../operation.js';
import { BLOCK_SPARSE_KERNEL, type BlockPattern, type PatternAttribute } from '../../pattern.js';
import { placesOnGrid, trimmedBlocks, wholeBlocks } from '../../pattern-tables.js';

/**
 * Rows of the matrix `[n, m]` that has `values` at its kept blocks and zeros elsewhere.
 *
 * @param values `[size]`
 * @param rows whole numbers from 0 to n − 1, `[count]`, int32
 * @returns `[count, m]`; differentiable by the values
 * @throws TypeError for arguments of other types; RangeError for another number of values and, where the backend can tell at
 *   once (cpu and wasm), for a number that is no row's
 */
export function lookUpRows(values: tf.Tensor1D, rows: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  assertPattern(pattern);
  assertTensor(values, [pattern.size], 'values', BLOCK_SPARSE_KERNEL);
  assertIsTensor(rows, 'rows');
  if (rows.dtype !== 'int32' || rows.rank !== 1) {
    throw new TypeError(
      `rows is a list of whole numbers, an int32 tensor of one axis: it is ${rows.dtype} of shape [${rows.shape.join(', ')}]`,
    );
  }
  return lookUp({ values, rows }, { pattern });
}

const lookUp = defineOperation<PatternAttribute, tf.Tensor2D>({
  name: 'LookUpRows',
  inputsToSave: ['rows'],
  composed: ({ values, rows }, { pattern }) => {
    const [, m] = pattern.matrixShape;
    const [count] = rows!.shape as [number];
    if (pattern.blocks === 0 || count === 0) return tf.zeros([count, m]);
    const blocks = wholeBlocks(values as tf.Tensor1D, pattern);
    const [, height, width] = blocks.shape;
    const stack = tf.concat([tf.zeros<tf.Rank.R3>([1, height, width]), blocks]).reshape([-1, width]);
    const wide = stack.gather(placesInStack(rows as tf.Tensor1D, pattern)).reshape<tf.Tensor2D>([count, -1]);
    return wide.shape[1] === m ? wide : wide.slice([0, 0], [count, m]);
  },
  gradient: (dy, [rows], attributes) => ({
    values: (): tf.Tensor => putBack({ dy, rows: rows! }, attributes),
  }),
});

const putBack = defineOperation<PatternAttribute, tf.Tensor1D>({
  name: 'LookUpRowsGradient',
  inputsToSave: ['rows'],
  composed: ({ dy, rows }, { pattern }) => {
    const [blockRows, blockColumns] = pattern.blockShape;
    const [count, m] = dy!.shape as [number, number];
    if (pattern.blocks === 0 || count === 0) return tf.zeros([pattern.size]);
    const beyond = pattern.grid.gridShape[1] * blockColumns - m;
    const wide =
      beyond === 0
        ? dy!
        : (dy as tf.Tensor2D).pad([
            [0, 0],
            [0, beyond],
          ]);
    const places = placesInStack(rows as tf.Tensor1D, pattern).expandDims<tf.Tensor2D>(1);
    const height = (pattern.blocks + 1) * blockRows;
    // What has one place is added up.
    const stack = tf.scatterND(places, wide.reshape([-1, blockColumns]), [height, blockColumns]);
    const blocks = stack.slice([blockRows, 0]).reshape<tf.Tensor3D>([-1, blockRows, blockColumns]);
    return trimmedBlocks(blocks, pattern);
  },
  gradient: (ddv, [rows], attributes) => ({
    dy: (): tf.Tensor => lookUp({ values: ddv, rows: rows! }, attributes),
  }),
});

/** For each row and block column, the row of the stack of blocks that it is made of, `[count · C]`. */
function placesInStack(rows: tf.Tensor1D, pattern: BlockPattern): tf.Tensor1D {
  const [blockRows] = pattern.blockShape;
  const places = tf.tensor2d(placesOnGrid(pattern), [...pattern.grid.gridShape], 'int32');
  const height = tf.scalar(blockRows, 'int32');
  const blockRow = rows.floorDiv(height);
  const inBlock = rows.sub(blockRow.mul(height)).expandDims(1);
  return places.gather(blockRow).mul<tf.Tensor2D>(height).add(inBlock).flatten();
}
