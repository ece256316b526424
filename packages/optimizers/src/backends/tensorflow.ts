/**
 * Registers this package's kernels for the native backend, `tensorflow`, at import, whether that backend is there or not:
 * each is a few ops of TensorFlow.
 */
import { registerTensorflowKernel, type TensorflowKernel } from '@espalier/blocks';

import { kernels } from '../generated/tensorflow-kernels.js';

for (const [name, kernel] of Object.entries(kernels)) {
  registerTensorflowKernel(name, kernel as TensorflowKernel<string, unknown>);
}
