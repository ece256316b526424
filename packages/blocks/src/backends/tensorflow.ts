/**
 * Registers this package's kernels for the native backend, `tensorflow`, at import, whether that backend is there or not:
 * each is a few ops of TensorFlow.
 */
import { kernels } from '../generated/tensorflow-kernels.js';
import { registerTensorflowKernel, type TensorflowKernel } from './tensorflow/kernel.js';

for (const [name, kernel] of Object.entries(kernels)) {
  registerTensorflowKernel(name, kernel as TensorflowKernel<string, unknown>);
}
