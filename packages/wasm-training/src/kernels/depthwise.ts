// Depthwise convolutions: where an accelerator takes them; and their gradients, which the wasm backend lacks. The arithmetic is
// in assembly/depthwise.ts.

import { type WasmCall, type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import { acceleratorsOf, type Operands } from '../accelerators/accelerator.js';
import type { KernelSet } from '../kernel-set.js';
import { depthwise as depthwiseBy } from '../products/dispatch.js';
import { kernelsOf } from '../wasm/link.js';
import { dilatedGradient } from './dilated-gradient.js';
import { convolutionInfo, floats, geometry, requireGradientShape } from './geometry.js';

/** DepthwiseConv2dNative: x [N, H, W, C], filter [FH, FW, C, Q] → [N, OH, OW, C·Q]. */
function depthwiseConv2d(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x, filter } = inputs as Record<string, tf.TensorInfo>;
    const isServed = attrs['dataFormat'] !== 'NCHW' && x!.dtype === 'float32' && filter!.dtype === 'float32';
    if (!isServed || acceleratorsOf(backend).length === 0) return stock(call);
    const info = convolutionInfo('DepthwiseConv2dNative', x!.shape, filter!.shape, attrs, true);
    const out = newOutput(backend, info.outShape);
    const operands: Operands = [offsetOf(backend, x!), offsetOf(backend, filter!), offsetOf(backend, out)];
    if (depthwiseBy(backend, 'forward', geometry(info, filter!.shape[3]!), operands)) return out;
    backend.disposeData(out.dataId);
    return stock(call);
  };
}

/** DepthwiseConv2dNativeBackpropFilter: x [N, H, W, C], dy [N, OH, OW, C·Q], attrs filterShape → [FH, FW, C, Q]. */
function depthwiseBackpropFilter({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const kernel = 'DepthwiseConv2dNativeBackpropFilter';
  const x = floats(kernel, inputs['x']);
  const dy = floats(kernel, inputs['dy']);
  const info = convolutionInfo(kernel, x.shape, attrs['filterShape'], attrs, true);
  requireGradientShape(kernel, dy.shape, info);
  const out = newOutput(backend, info.filterShape);
  const [ofX, ofDy, ofOut] = [offsetOf(backend, x), offsetOf(backend, dy), offsetOf(backend, out)];
  const sizes = geometry(info, info.filterShape[3]!);
  if (depthwiseBy(backend, 'filterGradient', sizes, [ofX, ofOut, ofDy])) return out;
  kernelsOf(backend).exports.depthwiseFilterGradient(ofX, ofDy, ofOut, ...sizes);
  return out;
}

/** DepthwiseConv2dNativeBackpropInput: dy [N, OH, OW, C·Q], filter [FH, FW, C, Q], attrs inputShape → [N, H, W, C]. */
function depthwiseBackpropInput({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const kernel = 'DepthwiseConv2dNativeBackpropInput';
  const dy = floats(kernel, inputs['dy']);
  const filter = floats(kernel, inputs['filter']);
  const info = convolutionInfo(kernel, attrs['inputShape'], filter.shape, attrs, true);
  requireGradientShape(kernel, dy.shape, info);
  const out = newOutput(backend, info.inShape);
  const [ofDy, ofFilter, ofOut] = [offsetOf(backend, dy), offsetOf(backend, filter), offsetOf(backend, out)];
  const sizes = geometry(info, info.filterShape[3]!);
  if (depthwiseBy(backend, 'inputGradient', sizes, [ofOut, ofFilter, ofDy])) return out;
  kernelsOf(backend).exports.depthwiseInputGradient(ofDy, ofFilter, ofOut, ...sizes);
  return out;
}

export const depthwise: KernelSet = {
  replaced: { DepthwiseConv2dNative: depthwiseConv2d },
  added: {
    DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
    DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  },
  gradients: {
    DepthwiseConv2dNative: dilatedGradient(
      'DepthwiseConv2dNativeBackpropInput',
      'DepthwiseConv2dNativeBackpropFilter',
    ),
  },
};
