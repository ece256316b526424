// Tanh of floats for the wasm backend; the stock kernel goes element by element.

import { type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/** Tanh: x of any shape → the same shape. */
function hyperbolicTangent(stock: WasmKernel): WasmKernel {
  return (call) => {
    const x = call.inputs['x']!;
    if (x.dtype !== 'float32') return stock(call);
    const { backend } = call;
    const y = newOutput(backend, x.shape);
    const size = tf.util.sizeFromShape(x.shape);
    kernelsOf(backend).exports.tanh(offsetOf(backend, x), offsetOf(backend, y), size);
    return y;
  };
}

export const tanh: KernelSet = { replaced: { Tanh: hyperbolicTangent } };
