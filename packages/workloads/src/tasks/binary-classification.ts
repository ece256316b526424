/** Yes or no: outputs are one logit each, `[batch, 1]`, targets 0 or 1, `[batch]` int32. */
import { softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import type { Examined, Task } from './task.js';

export const binaryClassification: Task = {
  name: 'binary-classification',
  /** The cross-entropy of the sigmoid, which is called log loss too. */
  loss: (outputs, targets) => crossEntropy(outputs, twoClasses(targets)),
  weightedLoss: (outputs, targets, weights) =>
    crossEntropy(outputs, twoClasses(targets).mul(weights.reshape([-1, 1]))),
  check: (examined) => ofModel(examined) ?? ofLabels(examined),
};

/**
 * σ(x) is the second of the softmax of (0, x): the loss of two classes is finite for every finite logit, and its gradient
 * σ(x) − y everywhere. `tf.losses.sigmoidCrossEntropy` has the gradient −y at x = 0, by the derivatives that tfjs gives
 * |x| and max(x, 0) there.
 */
function crossEntropy(outputs: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  return softmaxCrossEntropy(labels, tf.concat([tf.zerosLike(outputs), outputs], 1));
}

/** [batch, 2]: 1 − y and y. */
function twoClasses(targets: tf.Tensor): tf.Tensor {
  const yes = targets.toFloat().reshape([-1, 1]);
  return tf.concat([tf.sub(1, yes), yes], 1);
}

/** Activations that make probabilities of logits; the loss does that itself. */
const PROBABILITIES = ['sigmoid', 'hardSigmoid', 'softmax'];

function ofModel({ outputShape, outputActivation }: Examined): string | null {
  if (outputShape.length !== 1 || outputShape[0] !== 1) {
    return `its model's outputs are [batch, ${outputShape.join(', ')}], and binary-classification takes one logit each, [batch, 1]: end it in a dense layer with one unit, or take classification`;
  }
  if (!PROBABILITIES.includes(outputActivation)) return null;
  return `its model ends in ${outputActivation}, and the loss of binary-classification takes logits: leave the last layer's activation out`;
}

function ofLabels({ targetShape, targets, examples }: Examined): string | null {
  if (targetShape.length > 0) {
    return `its targets are of shape [${targetShape.join(', ')}], and binary-classification takes one label for each: make their shape []`;
  }
  const wrong = targets.findIndex((label) => label !== 0 && label !== 1);
  if (wrong >= 0) {
    return `the label of example ${examples[wrong]} is ${targets[wrong]}, and is to be 0 or 1: mend it, or take regression for what is no yes or no`;
  }
  return targets instanceof Int32Array
    ? null
    : 'its labels are no Int32Array: give them as Int32Array.from(labels)';
}
