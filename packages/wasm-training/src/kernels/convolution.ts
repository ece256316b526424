// Convolutions as matrix products over chunks of patches, and their gradients, of which the wasm backend lacks one. Where they
// are computed is decided in products/dispatch.ts.

import { type WasmBackend, type WasmCall, type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Operands } from '../accelerators/accelerator.js';
import type { KernelSet } from '../kernel-set.js';
import { convolve, filterGradient, inputGradient } from '../products/dispatch.js';
import { PLAIN, epilogueArguments, epilogueOf, type Epilogue } from '../products/epilogue.js';
import { patchProductOf } from '../products/patches.js';
import { dilatedGradient } from './dilated-gradient.js';
import { convolutionInfo, floats, geometry, requireGradientShape } from './geometry.js';

/** Conv2D: x [N, H, W, C], filter [FH, FW, C, K] → [N, OH, OW, K]. */
function conv2d(stock: WasmKernel): WasmKernel {
  return (call) => convolved(call, PLAIN) ?? stock(call);
}

/** FusedConv2D: Conv2D, then + bias [K], then an activation. */
function fusedConv2d(stock: WasmKernel): WasmKernel {
  return (call) => {
    const epilogue = epilogueOf(call, call.inputs['filter']!.shape[3]!);
    return (epilogue && convolved(call, epilogue)) ?? stock(call);
  };
}

/** The convolution, or null if the format or the types are not those of the kernel. */
function convolved({ inputs, attrs, backend }: WasmCall, epilogue: Epilogue): tf.TensorInfo | null {
  const { x, filter } = inputs as Record<string, tf.TensorInfo>;
  if (attrs['dataFormat'] === 'NCHW' || x!.dtype !== 'float32' || filter!.dtype !== 'float32') return null;
  const info = convolutionInfo('Conv2D', x!.shape, filter!.shape, attrs, false);
  const out = newOutput(backend, info.outShape);
  const product = patchProductOf(geometry(info, info.outChannels));
  convolve(backend, product, offsetsOf(backend, x!, filter!, out), epilogueArguments(backend, epilogue));
  return out;
}

/** Conv2DBackpropFilter: x [N, H, W, C], dy [N, OH, OW, K], attrs filterShape → [FH, FW, C, K]. */
function conv2dBackpropFilter({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const x = floats('Conv2DBackpropFilter', inputs['x']);
  const dy = floats('Conv2DBackpropFilter', inputs['dy']);
  const info = convolutionInfo('Conv2DBackpropFilter', x.shape, attrs['filterShape'], attrs, false);
  requireGradientShape('Conv2DBackpropFilter', dy.shape, info);
  const out = newOutput(backend, info.filterShape);
  const product = patchProductOf(geometry(info, info.outChannels));
  filterGradient(backend, product, offsetsOf(backend, x, dy, out));
  return out;
}

/** Conv2DBackpropInput: dy [N, OH, OW, K], filter [FH, FW, C, K], attrs inputShape → [N, H, W, C]. */
function conv2dBackpropInput(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    if (attrs['dataFormat'] === 'NCHW') return stock(call);
    const dy = floats('Conv2DBackpropInput', inputs['dy']);
    const filter = floats('Conv2DBackpropInput', inputs['filter']);
    const info = convolutionInfo('Conv2DBackpropInput', attrs['inputShape'], filter.shape, attrs, false);
    requireGradientShape('Conv2DBackpropInput', dy.shape, info);
    const out = newOutput(backend, info.inShape);
    const product = patchProductOf(geometry(info, info.outChannels));
    inputGradient(backend, product, offsetsOf(backend, dy, filter, out));
    return out;
  };
}

function offsetsOf(backend: WasmBackend, a: tf.TensorInfo, b: tf.TensorInfo, c: tf.TensorInfo): Operands {
  return [offsetOf(backend, a), offsetOf(backend, b), offsetOf(backend, c)];
}

export const convolution: KernelSet = {
  replaced: { Conv2D: conv2d, FusedConv2D: fusedConv2d, Conv2DBackpropInput: conv2dBackpropInput },
  added: { Conv2DBackpropFilter: conv2dBackpropFilter },
  gradients: { Conv2D: dilatedGradient('Conv2DBackpropInput', 'Conv2DBackpropFilter') },
};
