// The gradients of depthwise convolutions, which the wasm backend lacks. The arithmetic is in assembly/depthwise.ts.

import { type WasmCall, newOutput, offsetOf } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';
import { dilatedGradient } from './dilated-gradient.js';
import { convolutionInfo, floats, geometry, requireGradientShape } from './geometry.js';

/** DepthwiseConv2dNativeBackpropFilter: x [N, H, W, C], dy [N, OH, OW, C·Q], attrs filterShape → [FH, FW, C, Q]. */
function depthwiseBackpropFilter({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const kernel = 'DepthwiseConv2dNativeBackpropFilter';
  const x = floats(kernel, inputs['x']);
  const dy = floats(kernel, inputs['dy']);
  const info = convolutionInfo(kernel, x.shape, attrs['filterShape'], attrs, true);
  requireGradientShape(kernel, dy.shape, info);
  const out = newOutput(backend, info.filterShape);
  kernelsOf(backend).exports.depthwiseFilterGradient(
    offsetOf(backend, x),
    offsetOf(backend, dy),
    offsetOf(backend, out),
    ...geometry(info, info.filterShape[3]!),
  );
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
  kernelsOf(backend).exports.depthwiseInputGradient(
    offsetOf(backend, dy),
    offsetOf(backend, filter),
    offsetOf(backend, out),
    ...geometry(info, info.filterShape[3]!),
  );
  return out;
}

export const depthwise: KernelSet = {
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
