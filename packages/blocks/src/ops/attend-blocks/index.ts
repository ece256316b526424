/**
 * A matrix whose kept blocks are multiplied by their softmax attention (arXiv 2402.17902 §3.1), in one pass over the
 * matrix; and both gradients, by the matrix and by the logits, in another.
 */
import * as tf from '@tensorflow/tfjs';

import { assertTensor } from '../../assert-tensor.js';
import { areGradientsDifferentiated, defineOperation, type OperationInputs } from '../../operation.js';
import { assertTrainingMask, type MaskAttribute, type TrainingMask } from '../../training-mask.js';
import { blockDot, scaleBlocks } from '../scale-blocks/index.js';
import { attentionGradient, attentionWeights, checkedAttention } from '../softmax-attention/index.js';
import type { AttentionAttributes } from '../softmax-attention/index.js';

interface Attributes extends MaskAttribute, AttentionAttributes {}

/**
 * `scaleBlocks(matrix, attentionWeights(logits, attributes) ⊙ mask)`. The attention is over all blocks, kept or not.
 *
 * @param matrix `[n, m]`
 * @param logits one a block, `[R, C]`
 * @returns `[n, m]`
 * @throws TypeError, RangeError for tensors that are not of the mask's grid, and for attributes out of range
 */
export function attendBlocks(
  matrix: tf.Tensor2D,
  logits: tf.Tensor2D,
  mask: TrainingMask,
  attributes: Partial<AttentionAttributes> = {},
): tf.Tensor2D {
  assertTrainingMask(mask, 'attendBlocks()');
  assertTensor(matrix, mask.grid.matrixShape, 'matrix', 'the mask');
  assertTensor(logits, mask.grid.gridShape, 'logits', 'the mask');
  const own = { ...checkedAttention(attributes, 'attendBlocks()'), mask };
  return mask.isNarrow ? tf.tidy(() => composed({ matrix, logits }, own)) : attended({ matrix, logits }, own);
}

function composed({ matrix, logits }: OperationInputs, { mask, ...attention }: Attributes): tf.Tensor2D {
  const weights = attentionWeights(logits as tf.Tensor2D, attention);
  return scaleBlocks(matrix as tf.Tensor2D, mask.masked(weights), mask.grid);
}

/** The gradients by the matrix and by the logits, of ops that have gradients. */
function composedGradients(
  { dy, matrix, logits }: OperationInputs,
  { mask, ...attention }: Attributes,
): [tf.Tensor, tf.Tensor] {
  const weights = attentionWeights(logits as tf.Tensor2D, attention);
  const byWeights = blockDot(dy as tf.Tensor2D, matrix as tf.Tensor2D, mask.grid);
  return [
    scaleBlocks(dy as tf.Tensor2D, mask.masked(weights), mask.grid),
    attentionGradient(mask.masked(byWeights), logits!, attention),
  ];
}

const attended = defineOperation<Attributes, tf.Tensor2D>({
  name: 'AttendBlocks',
  inputsToSave: ['matrix', 'logits'],
  composed,
  gradient: (dy, saved, attributes) => {
    const [matrix, logits] = saved as [tf.Tensor, tf.Tensor];
    const inputs = { dy, matrix, logits };
    // Both at once: they are made in one pass.
    const [byMatrix, byLogits] = areGradientsDifferentiated()
      ? composedGradients(inputs, attributes)
      : bothGradients(inputs, attributes);
    return { matrix: () => byMatrix as tf.Tensor, logits: () => byLogits as tf.Tensor };
  },
});

const bothGradients = defineOperation<Attributes, tf.Tensor[]>({
  name: 'AttendBlocksGrad',
  composed: composedGradients,
});
