// Where products and convolutions are computed: each is offered to the accelerators that the backend has been given, in
// their order, and done in assembly/ where none takes it. Pointers are byte offsets into the backend's memory.

import { newOutput, offsetOf, type WasmBackend } from '@espalier/blocks';

import { acceleratorsOf, type ConvolutionDirection, type Operands } from '../accelerators/accelerator.js';
import type { ConvolutionGeometry, EpilogueArguments, Product } from '../wasm/exports.js';
import { kernelsOf } from '../wasm/link.js';
import type { BlockProduct, BlockProductKind } from './block-product.js';
import { PLAIN_ARGUMENTS } from './epilogue.js';
import { chunkRows, turnedProduct, type PatchProduct } from './patches.js';
import { byWinograd } from './winograd.js';

/** C = activation(op(A) · op(B) + bias), or C += op(A) · op(B). */
export function multiply(
  backend: WasmBackend,
  product: Product,
  epilogue: EpilogueArguments = PLAIN_ARGUMENTS,
): void {
  if (acceleratorsOf(backend).some((each) => each.multiply?.(product, epilogue))) return;
  const { exports, scratch } = kernelsOf(backend);
  exports.gemm(...product, ...epilogue, scratch);
}

/** out [N, OH, OW, K] = activation(x [N, H, W, C] * filter [FH, FW, C, K] + bias); operands in this order: x, filter, out. */
export function convolve(
  backend: WasmBackend,
  product: PatchProduct,
  operands: Operands,
  epilogue: EpilogueArguments = PLAIN_ARGUMENTS,
): void {
  if (acceleratorsOf(backend).some((each) => each.convolve?.(product, operands, epilogue))) return;
  const { exports, scratch } = kernelsOf(backend);
  if (byWinograd(product.geometry)) {
    const workspace = winogradWorkspace(backend, product);
    exports.winogradConvolution(...operands, ...product.geometry, workspace, ...epilogue);
    return;
  }
  const workspace = patchWorkspace(backend, product);
  exports.convolution(...operands, ...product.geometry, ...workspace, scratch, ...epilogue);
}

/** dFilter [FH, FW, C, K]; operands: x, dy, dFilter. */
export function filterGradient(backend: WasmBackend, product: PatchProduct, operands: Operands): void {
  if (acceleratorsOf(backend).some((each) => each.filterGradient?.(product, operands))) return;
  const { exports, scratch } = kernelsOf(backend);
  const { geometry } = product;
  if (byWinograd(product.geometry)) {
    const channels = geometry[3];
    exports.winogradFilterGradient(
      ...operands,
      ...geometry,
      0,
      channels,
      winogradWorkspace(backend, product),
    );
    return;
  }
  const workspace = patchWorkspace(backend, product);
  exports.convFilterGradient(...operands, ...product.geometry, ...workspace, scratch);
}

/** dx [N, H, W, C]; operands: dy, filter, dx. */
export function inputGradient(backend: WasmBackend, product: PatchProduct, operands: Operands): void {
  if (acceleratorsOf(backend).some((each) => each.inputGradient?.(product, operands))) return;
  const turned = turnedProduct(product);
  if (turned) {
    convolveTurned(backend, product, turned, operands);
    return;
  }
  const { exports, scratch } = kernelsOf(backend);
  const workspace = patchWorkspace(backend, product);
  exports.convInputGradient(...operands, ...product.geometry, ...workspace, scratch);
}

/**
 * A depthwise convolution, or a gradient of one; false where no accelerator took it. Operands: x, filter and out, or their
 * gradients; the one of the direction is written.
 */
export function depthwise(
  backend: WasmBackend,
  direction: ConvolutionDirection,
  geometry: ConvolutionGeometry,
  operands: Operands,
): boolean {
  return acceleratorsOf(backend).some((each) => each.depthwise?.(direction, geometry, operands));
}

/** Whether an accelerator takes block-sparse products of blocks of so many columns of the result, with so many rows. */
export function takesBlocks(
  backend: WasmBackend,
  kind: BlockProductKind,
  width: number,
  rows: number,
): boolean {
  return acceleratorsOf(backend).some((each) => each.takesBlocks?.(kind, width, rows));
}

/** Whether an accelerator has done a block-sparse product, of x, values, y; without one it is for the op's own kernel. */
export function multiplyBlocks(
  backend: WasmBackend,
  product: BlockProduct,
  operands: Operands,
  epilogue: EpilogueArguments = PLAIN_ARGUMENTS,
): boolean {
  return acceleratorsOf(backend).some((each) => each.multiplyBlocks?.(product, operands, epilogue));
}

/** Whether an accelerator has done a gradient by the values of the kept blocks, of x, dy, that gradient. */
export function blockGradient(backend: WasmBackend, product: BlockProduct, operands: Operands): boolean {
  return acceleratorsOf(backend).some((each) => each.blockGradient?.(product, operands));
}

/** The gradient by the input as the convolution of dy with the filter turned by half a turn, its matrices transposed. */
function convolveTurned(
  backend: WasmBackend,
  { geometry, depth, outChannels }: PatchProduct,
  turned: PatchProduct,
  [dy, filter, dx]: Operands,
): void {
  const [, , , channels, , , , filterHeight, filterWidth] = geometry;
  const turnedFilter = newOutput(backend, [depth, outChannels]);
  const to = offsetOf(backend, turnedFilter);
  kernelsOf(backend).exports.turnFilter(filter, to, filterHeight, filterWidth, channels, outChannels);
  convolve(backend, turned, [dy, to, dx]);
  backend.disposeData(turnedFilter.dataId);
}

/** Memory for a chunk of the patch matrix, and its rows. */
function patchWorkspace(backend: WasmBackend, { depth }: PatchProduct): [patches: number, chunk: number] {
  const rows = chunkRows(depth);
  return [kernelsOf(backend).workspace(4 * rows * depth), rows];
}

/** Memory for the transforms. */
function winogradWorkspace(backend: WasmBackend, { geometry }: PatchProduct): number {
  const { exports, workspace } = kernelsOf(backend);
  return workspace(exports.winogradBytes(geometry[3], geometry[6]));
}
