/** One class of several: outputs are logits `[batch, classes]`, targets class indices `[batch]`. */
import { softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import type { Task } from './task.js';

export const classification: Task = {
  name: 'classification',
  /** Softmax cross-entropy. */
  loss: (outputs, targets) => {
    const classes = outputs.shape.at(-1) as number;
    return softmaxCrossEntropy(tf.oneHot(targets as tf.Tensor1D, classes).toFloat(), outputs);
  },
};
