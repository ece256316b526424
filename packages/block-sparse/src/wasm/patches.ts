// Im2Col and Col2Im on the wasm backend: a convolution becomes a product with the matrix of patches.

import { type KernelCall, memoryOf, offsetOf } from '@espalier/wasm-module';
import type { TensorInfo } from '@tensorflow/tfjs';
import { patchesShape, type ConvolutionInfo } from '../convolution-info.js';
import { floatInput } from './inputs.js';
import { kernelsOf, type GeometryArguments } from './kernels.js';

/**
 * Kernel: x [N, H, W, C]; attrs info (Conv2DInfo) → [N·OH·OW, FH·FW·C], the patch that
 * each output pixel sees, zeros in the padding.
 */
export const IM2COL = 'Im2Col';
/** Kernel: patches [N·OH·OW, FH·FW·C]; attrs info → [N, H, W, C], the transpose of Im2Col: overlaps add up. */
export const COL2IM = 'Col2Im';

export function im2col(call: KernelCall): TensorInfo {
  const { backend } = call;
  const info = infoOf(IM2COL, call);
  const x = floatInput(IM2COL, 'x', call, info.inShape);
  const out = backend.makeOutput(patchesShape(info), 'float32');
  kernelsOf(backend).exports.patches(
    false,
    offsetOf(backend, x),
    offsetOf(backend, out),
    ...geometryArguments(info),
  );
  return out;
}

export function col2im(call: KernelCall): TensorInfo {
  const { backend } = call;
  const info = infoOf(COL2IM, call);
  const patches = floatInput(COL2IM, 'patches', call, patchesShape(info));
  const out = backend.makeOutput([...info.inShape], 'float32');
  const [from, to] = [offsetOf(backend, patches), offsetOf(backend, out)];
  const size = info.inShape.reduce((product, length) => product * length, 1);
  new Float32Array(memoryOf(backend).buffer, to, size).fill(0);
  kernelsOf(backend).exports.patches(true, to, from, ...geometryArguments(info));
  return out;
}

export function infoOf(kernel: string, { attrs }: KernelCall): ConvolutionInfo {
  const info = attrs['info'] as unknown as ConvolutionInfo | undefined;
  if (info?.inShape?.length === 4 && info.dataFormat === 'channelsLast') return info;
  throw new TypeError(
    `${kernel}: the attribute 'info' must be a Conv2DInfo of channels-last images, as convolutionInfo makes one`,
  );
}

export function geometryArguments(info: ConvolutionInfo): GeometryArguments {
  return [
    ...info.inShape,
    info.outHeight,
    info.outWidth,
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
