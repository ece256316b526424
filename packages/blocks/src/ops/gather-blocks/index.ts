/**
 * Between a dense matrix and the values of its kept blocks: `GatherBlocks` takes them, `ScatterBlocks`, its adjoint, puts
 * them back among zeros.
 */
import * as tf from '@tensorflow/tfjs';

import { assertPattern, assertTensor } from '../../assert-tensor.js';
import { defineOperation } from '../../operation.js';
import { BLOCK_SPARSE_KERNEL, type BlockPattern, type PatternAttribute } from '../../pattern.js';
import { tablesOf } from '../../pattern-tables.js';
import { TrainingMask, type MaskAttribute } from '../../training-mask.js';

/** The pattern, and the mask of a training that it is of, where there is one. */
type Attributes = PatternAttribute & Partial<MaskAttribute>;

/**
 * The kept blocks of a matrix `[n, m]` as values `[size]`. Adjoint to `scatterBlocks`.
 *
 * @param of the pattern of the blocks; or the mask of a training, where the gradient is to be written into its memory
 * @throws RangeError for a matrix that is not the pattern's
 */
export function gatherBlocks(matrix: tf.Tensor2D, of: BlockPattern | TrainingMask): tf.Tensor1D {
  const attributes = of instanceof TrainingMask ? { pattern: of.pattern, mask: of } : { pattern: of };
  const { pattern } = attributes;
  assertPattern(pattern);
  assertTensor(matrix, pattern.matrixShape, 'matrix', BLOCK_SPARSE_KERNEL);
  return gather({ matrix }, attributes);
}

/**
 * The matrix `[n, m]` that has the values `[size]` at the kept blocks and zeros elsewhere.
 *
 * @throws RangeError for another number of values
 */
export function scatterBlocks(values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  assertPattern(pattern);
  assertTensor(values, [pattern.size], 'values', BLOCK_SPARSE_KERNEL);
  return scatter({ values }, { pattern });
}

const gather = defineOperation<Attributes, tf.Tensor1D>({
  name: 'GatherBlocks',
  composed: ({ matrix }, { pattern }) =>
    matrix!.flatten().gather(tf.tensor1d(tablesOf(pattern).inMatrix, 'int32')),
  gradient: (dy, _saved, attributes) => ({ matrix: (): tf.Tensor => scatter({ values: dy }, attributes) }),
});

const scatter = defineOperation<Attributes, tf.Tensor2D>({
  name: 'ScatterBlocks',
  composed: ({ values }, { pattern }) => {
    const [n, m] = pattern.matrixShape;
    if (pattern.blocks === 0) return tf.zeros([n, m]);
    const places = tf.tensor2d(tablesOf(pattern).inMatrix, [pattern.size, 1], 'int32');
    return tf.scatterND(places, values!, [n * m]).reshape([n, m]);
  },
  gradient: (dy, _saved, attributes) => ({ values: (): tf.Tensor => gather({ matrix: dy }, attributes) }),
});
