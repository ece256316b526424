// The gradients of convolutions that are dilated, which tfjs refuses, by the kernels that make the others.

import * as tf from '@tensorflow/tfjs';

import type { FusedGradient } from '../kernel-set.js';

/** The gradient function of a convolution where it is dilated; null for the rest. */
export function dilatedGradient(inputKernel: string, filterKernel: string): FusedGradient {
  return (dy, [x, filter], attrs) => {
    const dilations = [attrs['dilations'] ?? 1].flat() as number[];
    if (attrs['dataFormat'] === 'NCHW' || dilations.every((rate) => rate === 1)) return null;
    const run = (kernel: string, inputs: tf.NamedTensorMap, shape: tf.NamedAttrMap) =>
      tf.engine().runKernel(kernel, inputs, { ...attrs, ...shape }) as tf.Tensor;
    return {
      x: () => run(inputKernel, { dy: dy as tf.Tensor, filter: filter! }, { inputShape: x!.shape }),
      filter: () => run(filterKernel, { x: x!, dy: dy as tf.Tensor }, { filterShape: filter!.shape }),
    };
  };
}
