// relu and its gradient, each in one pass: tfjs composes the gradient of step, cast and mul.

import { type WasmCall, type WasmKernel, floatInput, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { acceleratorsOf, type ElementwiseOperation, type Operands } from '../accelerators/accelerator.js';
import type { FusedGradient, KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

const RELU_GRAD = 'ReluGrad';

/** Kernel ReluGrad: dy and x of one shape → dy where x > 0, else 0. */
function reluGrad(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const x = floatInput(RELU_GRAD, 'x', call);
  const dy = floatInput(RELU_GRAD, 'dy', call, x.shape);
  const dx = newOutput(backend, x.shape);
  const size = tf.util.sizeFromShape(x.shape);
  const operands = [offsetOf(backend, dy), offsetOf(backend, x), offsetOf(backend, dx)] as const;
  if (!isTaken('reluGradient', size, operands, call)) kernelsOf(backend).exports.reluGrad(...operands, size);
  return dx;
}

/** Kernel Relu: x → x where x > 0, NaN where x is, else 0; types other than float32 are left to the stock kernel. */
function relued(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { backend } = call;
    const x = call.inputs['x'] as tf.TensorInfo;
    if (x.dtype !== 'float32') return stock(call);
    const y = newOutput(backend, x.shape);
    const size = tf.util.sizeFromShape(x.shape);
    const [from, to] = [offsetOf(backend, x), offsetOf(backend, y)];
    if (!isTaken('relu', size, [from, from, to], call)) kernelsOf(backend).exports.relu(from, to, size);
    return y;
  };
}

function isTaken(
  operation: ElementwiseOperation,
  size: number,
  operands: Operands,
  { backend }: WasmCall,
): boolean {
  return acceleratorsOf(backend).some((each) => each.elementwise?.(operation, size, operands));
}

/** The gradient function of Relu; null where x is not of floats. */
const fusedReluGradient: FusedGradient = (dy, [x]) => {
  if (x!.dtype !== 'float32') return null;
  return { x: () => tf.engine().runKernel(RELU_GRAD, { dy: dy as tf.Tensor, x: x! }) as tf.Tensor };
};

export const relu: KernelSet = {
  replaced: { Relu: relued },
  added: { [RELU_GRAD]: reluGrad },
  gradients: { Relu: fusedReluGradient },
};
