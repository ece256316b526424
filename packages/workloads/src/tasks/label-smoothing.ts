/** One class of several, trained on labels that are not wholly sure of themselves. */
import { assertArgument, numberIn } from '@espalier/core';
import { softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import type { Loss, WeightedLoss } from '../measure.js';
import { classification } from './classification.js';
import type { Task } from './task.js';

/**
 * Classification whose training minimises the cross-entropy with smoothed labels: of K classes, the label has
 * `1 − ε + ε/K` and each other class `ε/K` (Szegedy et al. 2016, arXiv 1512.00567 §7). It is measured, as
 * `classification` is, by the plain cross-entropy, and by what else names that task.
 *
 * @param smoothing ε in [0, 1)
 * @throws RangeError or TypeError for any other
 */
export function smoothedClassification(smoothing: number): Task {
  assertArgument('smoothedClassification()', 'smoothing', smoothing, numberIn('[0, 1)', 'a share in [0, 1)'));
  const labelsOf = (targets: tf.Tensor, classes: number) =>
    tf
      .oneHot(targets as tf.Tensor1D, classes)
      .toFloat()
      .mul(1 - smoothing)
      .add(smoothing / classes);
  const trainingLoss: Loss = (outputs, targets) =>
    softmaxCrossEntropy(labelsOf(targets, outputs.shape.at(-1) as number), outputs);
  const weightedLoss: WeightedLoss = (outputs, targets, weights) => {
    const labels = labelsOf(targets, outputs.shape.at(-1) as number);
    return softmaxCrossEntropy(labels.mul(weights.reshape([-1, 1])), outputs);
  };
  return { ...classification, trainingLoss, weightedLoss };
}
