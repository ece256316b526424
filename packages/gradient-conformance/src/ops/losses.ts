/** Losses, of labels and predictions. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import { swept, within, type Input, type SweptOp } from '../swept-op.js';

type Loss = (labels: tf.Tensor2D, predictions: tf.Tensor2D) => tf.Tensor;

/** Rows of probabilities, by which no gradient is asked for: they are integers to the sweep, in tenths. */
const loss = (
  name: string,
  compute: Loss,
  inputs: (random: Random, shape: [number, number]) => [Input, Input],
): SweptOp =>
  swept({
    name,
    known: 'by differences beside kinks',
    // Differences are not good to more where a slope bends within their reach.
    tolerance: 3e-3,
    sample: (random) => ({
      inputs: inputs(random, [random.integer(1, 4), random.integer(2, 4)]),
      attributes: {},
    }),
    compute: ([labels, predictions]: [tf.Tensor2D, tf.Tensor2D]) =>
      compute(tf.cast(labels, 'float32'), predictions),
  });

/** One class of each row. */
function oneHot(random: Random, [rows, columns]: [number, number]): Input {
  const values = Array.from({ length: rows }, () => {
    const chosen = random.integer(0, columns - 1);
    return Array.from({ length: columns }, (_, i) => Number(i === chosen));
  });
  return { shape: [rows, columns], values: values.flat(), dtype: 'int32' };
}

const logits = (random: Random, shape: [number, number]): [Input, Input] => [
  oneHot(random, shape),
  within(random, shape),
];
const probabilities = (random: Random, shape: [number, number]): [Input, Input] => [
  oneHot(random, shape),
  within(random, shape, 0.2, 0.8),
];

export const losses: readonly SweptOp[] = [
  loss('softmaxCrossEntropy', (labels, x) => tf.losses.softmaxCrossEntropy(labels, x), logits),
  loss('sigmoidCrossEntropy', (labels, x) => tf.losses.sigmoidCrossEntropy(labels, x), logits),
  loss('huberLoss', (labels, x) => tf.losses.huberLoss(labels, x), logits),
  loss('hingeLoss', (labels, x) => tf.losses.hingeLoss(labels, x), probabilities),
  loss('logLoss', (labels, x) => tf.losses.logLoss(labels, x), probabilities),
  loss('meanSquaredError', (labels, x) => tf.losses.meanSquaredError(labels, x), logits),
  loss('absoluteDifference', (labels, x) => tf.losses.absoluteDifference(labels, x), probabilities),
  loss('cosineDistance', (labels, x) => tf.losses.cosineDistance(labels, x, 1), logits),
];
