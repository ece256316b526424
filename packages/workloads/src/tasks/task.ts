/** A task: what a model's outputs are for, by which it is trained and judged. */
import type * as tf from '@tensorflow/tfjs';

import type { QualityMeasure } from '../measure.js';

export interface Task {
  /** Lower case, words joined by hyphens; measures name the tasks that they are for. */
  readonly name: string;
  /** Mean over the batch, differentiable by the outputs. */
  loss(outputs: tf.Tensor, targets: tf.Tensor): tf.Scalar;
  /** Measures of its own, beside the loss and those that name this task. */
  readonly measures?: readonly QualityMeasure[];
}
