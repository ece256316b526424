/**
 * A matrix under the mask of a training: its kept blocks, zeros elsewhere. Its own adjoint: the gradient is masked by the
 * same op.
 */
import type * as tf from '@tensorflow/tfjs';

import { assertTensor } from '../../assert-tensor.js';
import { defineOperation } from '../../operation.js';
import { assertTrainingMask, type MaskAttribute, type TrainingMask } from '../../training-mask.js';
import { maskBlocks, scaleBlocks } from '../scale-blocks/index.js';

/**
 * The matrix, zero outside of the kept blocks, whatever it held there. There is no gradient by the mask.
 *
 * @param matrix `[n, m]`
 * @returns `[n, m]`
 * @throws TypeError, RangeError for a matrix that is not of the mask's grid
 */
export function keepBlocks(matrix: tf.Tensor2D, mask: TrainingMask): tf.Tensor2D {
  assertTrainingMask(mask, 'keepBlocks()');
  assertTensor(matrix, mask.grid.matrixShape, 'matrix', 'the mask');
  if (mask.keepsAll) return matrix.clone();
  // Of narrow blocks there are too many to be gone through one by one.
  return mask.isNarrow ? maskBlocks(matrix, mask.tensor, mask.grid) : masked({ matrix }, { mask });
}

const masked = defineOperation<MaskAttribute, tf.Tensor2D>({
  name: 'KeepBlocks',
  composed: ({ matrix }, { mask }) => scaleBlocks(matrix as tf.Tensor2D, mask.tensor, mask.grid),
  gradient: (dy, _saved, { mask }) => ({ matrix: () => keepBlocks(dy as tf.Tensor2D, mask) }),
});
