/** Numbers: outputs and targets are of one shape, `[batch, …]`. */
import * as tf from '@tensorflow/tfjs';

import type { Task } from './task.js';

export const regression: Task = {
  name: 'regression',
  /** The squared error, mean over every output. */
  loss: (outputs, targets) => tf.losses.meanSquaredError(targets, outputs),
};
