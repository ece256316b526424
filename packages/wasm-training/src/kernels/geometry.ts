// The shapes of a convolution or a pooling, and what the kernels of assembly/ need to know of them. Tensors are channels-last.

import { assertConvolution, type WasmCall } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { ConvolutionGeometry } from '../wasm/exports.js';

type Shape4 = [number, number, number, number];

export type Info = tf.backend_util.Conv2DInfo;

/** @throws Error for the data format NCHW; TypeError, RangeError for sizes that contradict one another */
export function convolutionInfo(
  kernel: string,
  inputShape: unknown,
  filterShape: unknown,
  attrs: WasmCall['attrs'],
  depthwise: boolean,
): Info {
  if (attrs['dataFormat'] === 'NCHW') {
    throw new Error(
      `${kernel} on the wasm backend needs the data format NHWC, got NCHW; transpose the input.`,
    );
  }
  const info = tf.backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    attrs['strides'] as [number, number],
    (attrs['dilations'] as [number, number] | undefined) ?? 1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
    depthwise,
  );
  assertConvolution(info, kernel);
  return info;
}

/** What the wasm kernels need to know of a convolution or a pooling. */
export function geometry(info: Info, outChannels: number): ConvolutionGeometry {
  return [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}

/** @throws Error unless the tensor is there and of float32 */
export function floats(kernel: string, tensor: tf.TensorInfo | undefined): tf.TensorInfo {
  if (tensor?.dtype === 'float32') return tensor;
  throw new Error(`${kernel} on the wasm backend needs float32, got ${tensor?.dtype}; cast the tensor.`);
}

/** @throws Error unless dy has the shape of the output */
export function requireGradientShape(kernel: string, shape: readonly number[], info: Info): void {
  if (tf.util.arraysEqual([...shape], [...info.outShape])) return;
  throw new Error(`${kernel}: dy must have the shape [${info.outShape}], got [${shape}].`);
}
