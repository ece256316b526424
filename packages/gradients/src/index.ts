/**
 * Right gradients for TensorFlow.js. What is wrong in them is replaced, in tfjs' registry: functions that hold on every
 * backend, and kernels of the backend that they are called for. What is not replaced refuses with a `GradientError`.
 */
import * as tf from '@tensorflow/tfjs';

import { register } from './repair.js';
import { repairBatchNormalization } from './repairs/batch-normalization-layer.js';
import { repairs } from './repairs/index.js';

export { GradientError } from './repair.js';

/**
 * Repairs the gradients of a backend, by default of the one in force, which is to be ready (`await tf.ready()`). A second
 * time is once: kernels that are registered afterwards, by whomever, stay.
 */
export function repairGradients(backendName: string = tf.getBackend()): void {
  for (const repair of repairs) register(repair, backendName);
  repairBatchNormalization();
}
