// Im2Col and Col2Im on the wasm backend. The arithmetic is in predicting.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { exportsOf } from '../../backends/wasm/predicting.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput } from '../../backends/wasm/inputs.js';
import { memoryOf } from '../../backends/wasm/instantiate.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { assertConvolution, patchesShape, type ConvolutionInfo } from './convolution-info.js';

export interface PatchExports {
  patches(scatter: boolean, x: number, matrix: number, ...geometry: Geometry): void;
}

type Geometry = [
  batch: number,
  height: number,
  width: number,
  channels: number,
  outHeight: number,
  outWidth: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  dilationHeight: number,
  dilationWidth: number,
  padTop: number,
  padLeft: number,
];

/** x [N, H, W, C]; attrs info → [N·OH·OW, FH·FW·C], the patch that each output pixel sees, zeros in the padding. */
function im2col(call: WasmCall): TensorInfo {
  const { backend } = call;
  const info = infoOf('Im2Col', call);
  const x = floatInput('Im2Col', 'x', call, info.inShape);
  const out = newOutput(backend, patchesShape(info));
  exportsOf<PatchExports>(backend).patches(
    false,
    offsetOf(backend, x),
    offsetOf(backend, out),
    ...geometryArguments(info),
  );
  return out;
}

/** patches [N·OH·OW, FH·FW·C]; attrs info → [N, H, W, C], the transpose of Im2Col: overlaps add up. */
function col2im(call: WasmCall): TensorInfo {
  const { backend } = call;
  const info = infoOf('Col2Im', call);
  const patches = floatInput('Col2Im', 'patches', call, patchesShape(info));
  const out = newOutput(backend, info.inShape);
  const [from, to] = [offsetOf(backend, patches), offsetOf(backend, out)];
  const size = info.inShape.reduce((product, length) => product * length, 1);
  new Float32Array(memoryOf(backend).buffer, to, size).fill(0);
  exportsOf<PatchExports>(backend).patches(true, to, from, ...geometryArguments(info));
  return out;
}

/** @throws TypeError, RangeError for an attribute that is no convolution */
export function infoOf(kernel: string, { attrs }: WasmCall): ConvolutionInfo {
  const info = attrs['info'] as unknown as ConvolutionInfo;
  assertConvolution(info, kernel);
  return info;
}

export function geometryArguments(info: ConvolutionInfo): Geometry {
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

export const kernels: Readonly<Record<string, WasmKernel>> = { Im2Col: im2col, Col2Im: col2im };
