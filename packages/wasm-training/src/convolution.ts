// Convolutions as matrix products over chunks of patches, and the gradients of convolutions, most of which the wasm
// backend lacks; those of depthwise convolutions directly. The arithmetic is in assembly/convolution.ts. Tensors are channels-last.

import { type WasmCall, type WasmBackend, type WasmKernel, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { PLAIN, epilogueArguments, epilogueOf, type Epilogue } from './epilogue.js';
import type { Gradients } from './fused-gradient.js';
import { kernelsOf, type ConvolutionGeometry } from './kernels.js';
import { convolveBy, filterGradientBy, inputGradientBy } from './patch-products.js';
import { chunkRows, patchProductOf, turnedProduct, workOf, type PatchProduct } from './patches.js';
import { blasFor, finish } from './product.js';
import { threadsOf } from './threads/attachment.js';

type Shape4 = [number, number, number, number];

/** Conv2D: x [N, H, W, C], filter [FH, FW, C, K] → [N, OH, OW, K]. */
export function conv2d(stock: WasmKernel): WasmKernel {
  return (call) => convolve(call, PLAIN) ?? stock(call);
}

/** FusedConv2D: Conv2D, then + bias [K], then an activation. */
export function fusedConv2d(stock: WasmKernel): WasmKernel {
  return (call) => {
    const epilogue = epilogueOf(call, call.inputs['filter']!.shape[3]!);
    return (epilogue && convolve(call, epilogue)) ?? stock(call);
  };
}

/** The convolution, or null if the format or the types are not those of the kernel. */
function convolve({ inputs, attrs, backend }: WasmCall, epilogue: Epilogue): tf.TensorInfo | null {
  const { x, filter } = inputs as Record<string, tf.TensorInfo>;
  if (attrs['dataFormat'] === 'NCHW' || x!.dtype !== 'float32' || filter!.dtype !== 'float32') return null;
  const info = convolutionInfo('Conv2D', x!.shape, filter!.shape, attrs, false);
  const out = backend.makeOutput([...info.outShape], 'float32');
  convolveInto(backend, patchProductOf(geometry(info, info.outChannels)), x!, filter!, out, epilogue);
  return out;
}

function convolveInto(
  backend: WasmBackend,
  product: PatchProduct,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  out: tf.TensorInfo,
  epilogue: Epilogue,
): void {
  const operands = offsetsOf(backend, x, filter, out);
  const finishing = epilogueArguments(backend, epilogue);
  const blas = blasFor(backend, workOf(product));
  if (blas) {
    convolveBy(blas, backend, product, operands, finishing);
    return;
  }
  if (threadsOf(backend)?.convolve(product, operands)) {
    finish(backend, operands[2], product.rows, product.outChannels, finishing);
    return;
  }
  const { exports, scratch } = kernelsOf(backend);
  const workspace = patchWorkspace(backend, product);
  exports.convolution(...operands, ...product.geometry, ...workspace, scratch, ...finishing);
}

/** Conv2DBackpropFilter: x [N, H, W, C], dy [N, OH, OW, K], attrs filterShape → [FH, FW, C, K]. */
export function conv2dBackpropFilter({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const x = floats('Conv2DBackpropFilter', inputs['x']);
  const dy = floats('Conv2DBackpropFilter', inputs['dy']);
  const info = convolutionInfo('Conv2DBackpropFilter', x.shape, attrs['filterShape'], attrs, false);
  requireGradientShape('Conv2DBackpropFilter', dy.shape, info);
  const out = backend.makeOutput([...info.filterShape], 'float32');
  const { exports, scratch } = kernelsOf(backend);
  const product = patchProductOf(geometry(info, info.outChannels));
  const operands = offsetsOf(backend, x, dy, out);
  const blas = blasFor(backend, workOf(product));
  if (blas) {
    filterGradientBy(blas, backend, product, operands);
  } else if (!threadsOf(backend)?.filterGradient(product, operands)) {
    const workspace = patchWorkspace(backend, product);
    exports.convFilterGradient(...operands, ...product.geometry, ...workspace, scratch);
  }
  return out;
}

/** Conv2DBackpropInput: dy [N, OH, OW, K], filter [FH, FW, C, K], attrs inputShape → [N, H, W, C]. */
export function conv2dBackpropInput(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    if (attrs['dataFormat'] === 'NCHW') return stock(call);
    const dy = floats('Conv2DBackpropInput', inputs['dy']);
    const filter = floats('Conv2DBackpropInput', inputs['filter']);
    const info = convolutionInfo('Conv2DBackpropInput', attrs['inputShape'], filter.shape, attrs, false);
    requireGradientShape('Conv2DBackpropInput', dy.shape, info);
    const out = backend.makeOutput([...info.inShape], 'float32');
    const product = patchProductOf(geometry(info, info.outChannels));
    const turned = turnedProduct(product);
    if (turned) {
      const turnedFilter = turnFilter(backend, filter, info);
      convolveInto(backend, turned, dy, turnedFilter, out, PLAIN);
      backend.disposeData(turnedFilter.dataId);
      return out;
    }
    const operands = offsetsOf(backend, dy, filter, out);
    const blas = blasFor(backend, workOf(product));
    if (blas) {
      inputGradientBy(blas, backend, product, operands);
    } else if (!threadsOf(backend)?.inputGradient(product, operands)) {
      const { exports, scratch } = kernelsOf(backend);
      const workspace = patchWorkspace(backend, product);
      exports.convInputGradient(...operands, ...product.geometry, ...workspace, scratch);
    }
    return out;
  };
}

/** The filter [FH, FW, C, K] turned by half a turn, its matrices transposed: [FH, FW, K, C]. */
function turnFilter(backend: WasmBackend, filter: tf.TensorInfo, info: Info): tf.TensorInfo {
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const turned = backend.makeOutput([filterHeight, filterWidth, outChannels, inChannels], 'float32');
  const [from, to] = [offsetOf(backend, filter), offsetOf(backend, turned)];
  kernelsOf(backend).exports.turnFilter(from, to, filterHeight, filterWidth, inChannels, outChannels);
  return turned;
}

/** DepthwiseConv2dNativeBackpropFilter: x [N, H, W, C], dy [N, OH, OW, C·Q], attrs filterShape → [FH, FW, C, Q]. */
export function depthwiseBackpropFilter({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const kernel = 'DepthwiseConv2dNativeBackpropFilter';
  const x = floats(kernel, inputs['x']);
  const dy = floats(kernel, inputs['dy']);
  const info = convolutionInfo(kernel, x.shape, attrs['filterShape'], attrs, true);
  requireGradientShape(kernel, dy.shape, info);
  const out = backend.makeOutput([...info.filterShape], 'float32');
  kernelsOf(backend).exports.depthwiseFilterGradient(
    offsetOf(backend, x),
    offsetOf(backend, dy),
    offsetOf(backend, out),
    ...geometry(info, info.filterShape[3]!),
  );
  return out;
}

/** DepthwiseConv2dNativeBackpropInput: dy [N, OH, OW, C·Q], filter [FH, FW, C, Q], attrs inputShape → [N, H, W, C]. */
export function depthwiseBackpropInput({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const kernel = 'DepthwiseConv2dNativeBackpropInput';
  const dy = floats(kernel, inputs['dy']);
  const filter = floats(kernel, inputs['filter']);
  const info = convolutionInfo(kernel, attrs['inputShape'], filter.shape, attrs, true);
  requireGradientShape(kernel, dy.shape, info);
  const out = backend.makeOutput([...info.inShape], 'float32');
  kernelsOf(backend).exports.depthwiseInputGradient(
    offsetOf(backend, dy),
    offsetOf(backend, filter),
    offsetOf(backend, out),
    ...geometry(info, info.filterShape[3]!),
  );
  return out;
}

export type Info = tf.backend_util.Conv2DInfo;

function convolutionInfo(
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
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    attrs['strides'] as [number, number],
    (attrs['dilations'] as [number, number] | undefined) ?? 1,
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | 'round' | 'ceil' | undefined,
    depthwise,
  );
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

/** Memory for a chunk of the patch matrix, and its rows. */
function patchWorkspace(backend: WasmBackend, { depth }: PatchProduct): [patches: number, chunk: number] {
  const rows = chunkRows(depth);
  return [kernelsOf(backend).workspace(4 * rows * depth), rows];
}

function offsetsOf(
  backend: WasmBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  c: tf.TensorInfo,
): [number, number, number] {
  return [offsetOf(backend, a), offsetOf(backend, b), offsetOf(backend, c)];
}

function floats(kernel: string, tensor: tf.TensorInfo | undefined): tf.TensorInfo {
  if (tensor?.dtype === 'float32') return tensor;
  throw new Error(`${kernel} on the wasm backend needs float32, got ${tensor?.dtype}; cast the tensor.`);
}

function requireGradientShape(kernel: string, shape: readonly number[], info: Info): void {
  if (tf.util.arraysEqual([...shape], [...info.outShape])) return;
  throw new Error(`${kernel}: dy must have the shape [${info.outShape}], got [${shape}].`);
}

/** The gradient function of Conv2D where it is dilated, which tfjs refuses; null for the rest. */
export function dilatedConv2dGradient(
  dy: tf.Tensor | tf.Tensor[],
  saved: tf.Tensor[],
  attrs: tf.NamedAttrMap,
): Gradients | null {
  return dilatedGradient('Conv2DBackpropInput', 'Conv2DBackpropFilter', dy as tf.Tensor, saved, attrs);
}

/** The same for DepthwiseConv2dNative. */
export function dilatedDepthwiseGradient(
  dy: tf.Tensor | tf.Tensor[],
  saved: tf.Tensor[],
  attrs: tf.NamedAttrMap,
): Gradients | null {
  const [input, filter] = [
    'DepthwiseConv2dNativeBackpropInput',
    'DepthwiseConv2dNativeBackpropFilter',
  ] as const;
  return dilatedGradient(input, filter, dy as tf.Tensor, saved, attrs);
}

function dilatedGradient(
  inputKernel: string,
  filterKernel: string,
  dy: tf.Tensor,
  [x, filter]: tf.Tensor[],
  attrs: tf.NamedAttrMap,
): Gradients | null {
  const dilations = [attrs['dilations'] ?? 1].flat() as number[];
  if (attrs['dataFormat'] === 'NCHW' || dilations.every((rate) => rate === 1)) return null;
  const run = (kernel: string, inputs: tf.NamedTensorMap, shape: tf.NamedAttrMap) =>
    tf.engine().runKernel(kernel, inputs, { ...attrs, ...shape }) as tf.Tensor;
  return {
    x: () => run(inputKernel, { dy, filter: filter! }, { inputShape: x!.shape }),
    filter: () => run(filterKernel, { x: x!, dy }, { filterShape: filter!.shape }),
  };
}
