// The gradient of relu in one pass; tfjs composes it of step, cast and mul.

import { type WasmCall, floatInput, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { FusedGradient, KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

const RELU_GRAD = 'ReluGrad';

/** Kernel ReluGrad: dy and x of one shape → dy where x > 0, else 0. */
function reluGrad(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const x = floatInput(RELU_GRAD, 'x', call);
  const dy = floatInput(RELU_GRAD, 'dy', call, x.shape);
  const dx = newOutput(backend, x.shape);
  kernelsOf(backend).exports.reluGrad(
    offsetOf(backend, dy),
    offsetOf(backend, x),
    offsetOf(backend, dx),
    tf.util.sizeFromShape(x.shape),
  );
  return dx;
}

/** The gradient function of Relu; null where x is not of floats. */
const fusedReluGradient: FusedGradient = (dy, [x]) => {
  if (x!.dtype !== 'float32') return null;
  return { x: () => tf.engine().runKernel(RELU_GRAD, { dy: dy as tf.Tensor, x: x! }) as tf.Tensor };
};

export const relu: KernelSet = {
  added: { [RELU_GRAD]: reluGrad },
  gradients: { Relu: fusedReluGradient },
};
