// The gradients of max and average pooling for the wasm backend, in one pass each. The arithmetic is in assembly/pooling.ts.

import { type WasmCall, type WasmKernel, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';
import { geometry } from './geometry.js';

/** MaxPoolGrad: dy [N, OH, OW, C], input [N, H, W, C]; attrs { filterSize, strides, pad } → as the input. */
function maxPoolGrad({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const { dy, input } = inputs as Record<string, tf.TensorInfo>;
  const dx = backend.makeOutput(input!.shape, 'float32');
  kernelsOf(backend).exports.maxPoolGradient(
    offsetOf(backend, dy!),
    offsetOf(backend, input!),
    offsetOf(backend, dx),
    ...poolGeometry(input!.shape, attrs),
  );
  return dx;
}

/** AvgPoolGrad: the same without need of the input's values. */
function avgPoolGrad({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const { dy, input } = inputs as Record<string, tf.TensorInfo>;
  const dx = backend.makeOutput(input!.shape, 'float32');
  kernelsOf(backend).exports.avgPoolGradient(
    offsetOf(backend, dy!),
    offsetOf(backend, dx),
    ...poolGeometry(input!.shape, attrs),
  );
  return dx;
}

function poolGeometry(inputShape: readonly number[], attrs: WasmCall['attrs']) {
  const info = tf.backend_util.computePool2DInfo(
    inputShape as [number, number, number, number],
    attrs['filterSize'] as [number, number] | number,
    attrs['strides'] as [number, number] | number,
    1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
  );
  return geometry(info, info.outChannels);
}

/** The stock kernel for a pool whose number of windows was rounded: tfjs does not say how. */
const unlessRounded =
  (kernel: WasmKernel) =>
  (stock: WasmKernel): WasmKernel =>
  (call) => {
    const { dy, input } = call.inputs as Record<string, tf.TensorInfo>;
    const [, , , , outHeight, outWidth] = poolGeometry(input!.shape, call.attrs);
    return dy!.shape[1] === outHeight && dy!.shape[2] === outWidth ? kernel(call) : stock(call);
  };

export const pooling: KernelSet = {
  replaced: { MaxPoolGrad: unlessRounded(maxPoolGrad), AvgPoolGrad: unlessRounded(avgPoolGrad) },
};
