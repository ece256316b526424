// The gradients of max and average pooling for the wasm backend, in one pass each. The arithmetic is in assembly/pooling.ts.

import {
  type WasmCall,
  type WasmKernel,
  assertConvolution,
  floatInput,
  newOutput,
  offsetOf,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';
import { geometry, type Info } from './geometry.js';

/** MaxPoolGrad: dy [N, OH, OW, C], input [N, H, W, C]; attrs { filterSize, strides, pad } → as the input. */
function maxPoolGrad(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const input = floatInput('MaxPoolGrad', 'input', call, [null, null, null, null]);
  const info = poolInfo('MaxPoolGrad', input.shape, call);
  const dy = floatInput('MaxPoolGrad', 'dy', call, info.outShape);
  const dx = newOutput(backend, input.shape);
  kernelsOf(backend).exports.maxPoolGradient(
    offsetOf(backend, dy),
    offsetOf(backend, input),
    offsetOf(backend, dx),
    ...geometry(info, info.outChannels),
  );
  return dx;
}

/** AvgPoolGrad: the same without need of the input's values. */
function avgPoolGrad(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const input = floatInput('AvgPoolGrad', 'input', call, [null, null, null, null]);
  const info = poolInfo('AvgPoolGrad', input.shape, call);
  const dy = floatInput('AvgPoolGrad', 'dy', call, info.outShape);
  const dx = newOutput(backend, input.shape);
  kernelsOf(backend).exports.avgPoolGradient(
    offsetOf(backend, dy),
    offsetOf(backend, dx),
    ...geometry(info, info.outChannels),
  );
  return dx;
}

function poolInfo(kernel: string, inputShape: readonly number[], { attrs }: WasmCall): Info {
  const info = tf.backend_util.computePool2DInfo(
    inputShape as [number, number, number, number],
    attrs['filterSize'] as [number, number] | number,
    attrs['strides'] as [number, number] | number,
    1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
  );
  assertConvolution(info, kernel);
  return info;
}

/** The kernel that was there for a pool whose number of windows was rounded: tfjs does not say how. */
const unlessRounded =
  (kernel: WasmKernel) =>
  (stock: WasmKernel): WasmKernel =>
  (call) => {
    const { dy, input } = call.inputs;
    const rounded = typeof call.attrs['pad'] === 'number' && dy && input?.shape.length === 4;
    if (!rounded) return kernel(call);
    const { outShape } = poolInfo('The gradient of a pool', input.shape, call);
    return tf.util.arraysEqual(dy.shape, outShape) ? kernel(call) : stock(call);
  };

export const pooling: KernelSet = {
  replaced: { MaxPoolGrad: unlessRounded(maxPoolGrad), AvgPoolGrad: unlessRounded(avgPoolGrad) },
};
