/** Numbers: outputs and targets are of one shape, `[batch, …]`. */
import * as tf from '@tensorflow/tfjs';

import type { Task } from './task.js';

export const regression: Task = {
  name: 'regression',
  /** The squared error, mean over every output. */
  loss: (outputs, targets) => tf.losses.meanSquaredError(targets, outputs),
  weightedLoss(outputs, targets, weights) {
    const errors = outputs.sub(targets).square();
    const ofExamples = errors.mul(weights.reshape([-1, ...errors.shape.slice(1).map(() => 1)]));
    return ofExamples.mean();
  },
  check({ outputShape, targetShape, targets, examples }) {
    const fits =
      outputShape.length === targetShape.length &&
      outputShape.every((length, i) => length === null || length === targetShape[i]);
    if (!fits) {
      return `its model's outputs are ${shapeOf(outputShape)} and its targets ${shapeOf(targetShape)}: make them one shape`;
    }
    const wrong = targets.findIndex((value) => !Number.isFinite(value));
    if (wrong < 0) return null;
    const place = Math.floor(wrong / targetShape.reduce((size, length) => size * length, 1));
    return `a target of example ${examples[place]} is ${targets[wrong]}: mend it or leave the example out`;
  },
};

function shapeOf(ofOne: readonly (number | null)[]): string {
  return `[${['batch', ...ofOne].join(', ')}]`;
}
