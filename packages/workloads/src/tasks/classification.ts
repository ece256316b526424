/** One class of several: outputs are logits `[batch, classes]`, targets class indices `[batch]`. */
import { softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import type { Examined, Task } from './task.js';

export const classification: Task = {
  name: 'classification',
  /** Softmax cross-entropy. */
  loss: (outputs, targets) => {
    const classes = outputs.shape.at(-1) as number;
    return softmaxCrossEntropy(tf.oneHot(targets as tf.Tensor1D, classes).toFloat(), outputs);
  },
  weightedLoss: (outputs, targets, weights) => {
    const classes = outputs.shape.at(-1) as number;
    const labels = tf.oneHot(targets as tf.Tensor1D, classes).toFloat();
    return softmaxCrossEntropy(labels.mul(weights.reshape([-1, 1])), outputs);
  },
  check: (examined) => ofModel(examined) ?? ofLabels(examined),
};

/** Activations that make probabilities of logits; the loss does that itself. */
const PROBABILITIES = ['softmax', 'sigmoid', 'hardSigmoid'];

function ofModel({ outputShape, outputActivation }: Examined): string | null {
  if (outputShape.length !== 1 || !((outputShape[0] ?? 0) >= 2)) {
    return `its model's outputs are [batch, ${outputShape.join(', ')}], and classification takes [batch, classes], of two classes or more: end it in a dense layer with a unit for each class`;
  }
  if (!PROBABILITIES.includes(outputActivation)) return null;
  return `its model ends in ${outputActivation}, and the loss of classification takes logits: leave the last layer's activation out`;
}

function ofLabels({ outputShape, targetShape, targets, examples }: Examined): string | null {
  if (targetShape.length > 0) {
    return `its targets are of shape [${targetShape.join(', ')}], and classification takes one class index for each: give an index in place of a one-hot row`;
  }
  const classes = outputShape[0] as number;
  const wrong = targets.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong >= 0) {
    return `the label of example ${examples[wrong]} is ${targets[wrong]}, and the model's ${classes} outputs are for whole numbers from 0 to ${classes - 1}: mend the labels or the last layer's units`;
  }
  return targets instanceof Int32Array
    ? null
    : 'its labels are no Int32Array, and class indices are: give them as Int32Array.from(labels)';
}
