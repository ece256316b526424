// The block-sparse ops of @espalier/blocks where the backend has been given an accelerator for them. Their own kernels do what
// none takes.

import {
  assertConvolution,
  BlockPattern,
  floatInput,
  newOutput,
  offsetOf,
  type ConvolutionInfo,
  type WasmCall,
  type WasmKernel,
} from '@espalier/blocks';
import type { TensorInfo } from '@tensorflow/tfjs';

import type { Operands } from '../accelerators/accelerator.js';
import type { KernelSet } from '../kernel-set.js';
import { forwardPlan, transposedPlan, turnedPlan, type BlockPlan } from '../products/block-lines.js';
import type { BlockProduct, BlockProductKind } from '../products/block-product.js';
import { blockGradient, multiplyBlocks, takesBlocks } from '../products/dispatch.js';
import { epilogueArguments, epilogueOf, PLAIN } from '../products/epilogue.js';
import { patchProductOf, turnedGeometry } from '../products/patches.js';
import { geometry } from './geometry.js';

/** BlockSparseMatMul: x [B, n] → x · W + bias [B, m]; transposed, x [B, m] → x · Wᵀ [B, n]. */
function matMul(stock: WasmKernel): WasmKernel {
  return (call) => {
    const pattern = offeredPattern(call);
    const transposed = Boolean(call.attrs['transposed']);
    if (!pattern || !isTaken(call, 'product', widthOf(pattern, transposed), call.inputs['x']?.shape[0]))
      return stock(call);
    const [n, m] = pattern.matrixShape;
    const [inner, outer] = transposed ? [m, n] : [n, m];
    const x = floatInput('BlockSparseMatMul', 'x', call, [null, inner]);
    const values = floatInput('BlockSparseMatMul', 'values', call, [pattern.size]);
    const plan = transposed ? transposedPlan(pattern) : forwardPlan(pattern, null);
    const product = { plan, rows: x.shape[0]!, columns: outer, source: { stride: inner } };
    return multiplied(call, product, [x, values], [product.rows, outer]) ?? stock(call);
  };
}

/** BlockSparseWeightGradient: x [B, n], dy [B, m] → xᵀ · dy at the kept blocks [size]. */
function weightGradient(stock: WasmKernel): WasmKernel {
  return (call) => {
    const pattern = offeredPattern(call);
    if (!pattern || !isTaken(call, 'gradient', widthOf(pattern, false), call.inputs['x']?.shape[0]))
      return stock(call);
    const [n, m] = pattern.matrixShape;
    const x = floatInput('BlockSparseWeightGradient', 'x', call, [null, n]);
    const rows = x.shape[0]!;
    const dy = floatInput('BlockSparseWeightGradient', 'dy', call, [rows, m]);
    const product = { plan: forwardPlan(pattern, null), rows, columns: m, source: { stride: n } };
    return summed(call, product, [x, dy], pattern.size) ?? stock(call);
  };
}

/** BlockSparseConv2D: x [N, H, W, C], values [size] → [N, OH, OW, K]. */
function convolution(stock: WasmKernel): WasmKernel {
  return (call) => {
    const own = offeredConvolution('BlockSparseConv2D', call);
    if (!own || !isTaken(call, 'product', widthOf(own.pattern, false), own.rows)) return stock(call);
    const { pattern, info } = own;
    const x = floatInput('BlockSparseConv2D', 'x', call, info.inShape);
    const values = floatInput('BlockSparseConv2D', 'values', call, [pattern.size]);
    return multiplied(call, patchesTimes(own), [x, values], info.outShape) ?? stock(call);
  };
}

/** BlockSparseConv2DBackpropValues: x [N, H, W, C], dy [N, OH, OW, K] → [size]. */
function valuesGradient(stock: WasmKernel): WasmKernel {
  return (call) => {
    const own = offeredConvolution('BlockSparseConv2DBackpropValues', call);
    if (!own || !isTaken(call, 'gradient', widthOf(own.pattern, false), own.rows)) return stock(call);
    const x = floatInput('BlockSparseConv2DBackpropValues', 'x', call, own.info.inShape);
    const dy = floatInput('BlockSparseConv2DBackpropValues', 'dy', call, own.info.outShape);
    return summed(call, patchesTimes(own), [x, dy], own.pattern.size) ?? stock(call);
  };
}

/**
 * BlockSparseConv2DBackpropInput: dy [N, OH, OW, K], values [size] → [N, H, W, C]. As a convolution with the turned filter,
 * at strides of one; otherwise it is left to products with patches, which come here one by one.
 */
function inputGradient(stock: WasmKernel): WasmKernel {
  return (call) => {
    const own = offeredConvolution('BlockSparseConv2DBackpropInput', call);
    if (!own || !isTaken(call, 'product', widthOf(own.pattern, true), own.rows)) return stock(call);
    const product = dyTimesTurned(own);
    if (!product) return stock(call);
    const { pattern, info } = own;
    const dy = floatInput('BlockSparseConv2DBackpropInput', 'dy', call, info.outShape);
    const values = floatInput('BlockSparseConv2DBackpropInput', 'values', call, [pattern.size]);
    return multiplied(call, product, [dy, values], info.inShape) ?? stock(call);
  };
}

type Inputs = readonly [a: TensorInfo, b: TensorInfo];

/** The product with its bias and activation, or null where no accelerator takes it. */
function multiplied(
  call: WasmCall,
  product: BlockProduct,
  inputs: Inputs,
  shape: readonly number[],
): TensorInfo | null {
  const epilogue = call.attrs['transposed'] ? PLAIN : epilogueOf(call, product.columns);
  const fused = call.inputs['bias'] !== undefined || (call.attrs['activation'] ?? 'linear') !== 'linear';
  // What the op does not know, or the transposed product has not, is refused by its own kernel.
  if (!epilogue || (fused && (call.attrs['transposed'] || epilogue.activation > 1))) return null;
  return made(call, inputs, shape, (operands) =>
    multiplyBlocks(call.backend, product, operands, epilogueArguments(call.backend, epilogue)),
  );
}

/** The gradient by the values, or null where no accelerator takes it. */
function summed(call: WasmCall, product: BlockProduct, inputs: Inputs, size: number): TensorInfo | null {
  return made(call, inputs, [size], (operands) => blockGradient(call.backend, product, operands));
}

function made(
  { backend }: WasmCall,
  [a, b]: Inputs,
  shape: readonly number[],
  make: (operands: Operands) => boolean,
): TensorInfo | null {
  const out = newOutput(backend, shape);
  if (make([offsetOf(backend, a), offsetOf(backend, b), offsetOf(backend, out)])) return out;
  backend.disposeData(out.dataId);
  return null;
}

/** Columns of the result that a block is multiplied to. */
function widthOf({ blockShape, matrixShape }: BlockPattern, transposed: boolean): number {
  const axis = transposed ? 0 : 1;
  return Math.min(blockShape[axis], matrixShape[axis]);
}

/** Whether an accelerator takes it: before it is told what the pattern means for a product, which takes long to find out. */
function isTaken(
  { backend }: WasmCall,
  kind: BlockProductKind,
  width: number,
  rows: number | undefined,
): boolean {
  return takesBlocks(backend, kind, width, rows ?? 0);
}

/** The pattern of a call that may be offered, or null: there is nothing to multiply. */
function offeredPattern({ attrs, inputs }: WasmCall): BlockPattern | null {
  const { pattern } = attrs;
  if (!(pattern instanceof BlockPattern) || pattern.blocks === 0) return null;
  const rows = (inputs['x'] ?? inputs['dy'])?.shape ?? [0];
  return rows.includes(0) ? null : pattern;
}

interface Convolution {
  readonly pattern: BlockPattern;
  readonly info: ConvolutionInfo;
  /** Of the patches. */
  readonly rows: number;
}

function offeredConvolution(kernel: string, call: WasmCall): Convolution | null {
  const pattern = offeredPattern(call);
  if (!pattern) return null;
  const info = call.attrs['info'] as ConvolutionInfo;
  assertConvolution(info, kernel);
  const { filterHeight, filterWidth, inChannels, outChannels } = info;
  const fits =
    pattern.matrixShape[0] === filterHeight * filterWidth * inChannels &&
    pattern.matrixShape[1] === outChannels;
  return fits ? { pattern, info, rows: info.batchSize * info.outHeight * info.outWidth } : null;
}

/** The patches of the images times the filter's matrix, or its gradient by the values. */
function patchesTimes({ pattern, info }: Convolution): BlockProduct {
  const own = geometry(info, info.outChannels);
  const { rows, outChannels: columns, pointwise } = patchProductOf(own);
  return pointwise
    ? { plan: forwardPlan(pattern, null), rows, columns, source: { stride: info.inChannels } }
    : { plan: forwardPlan(pattern, tapsOf(info)), rows, columns, source: { geometry: own } };
}

function dyTimesTurned({ pattern, info }: Convolution): BlockProduct | null {
  const own = geometry(info, info.outChannels);
  const { pointwise, rows, depth, outChannels } = patchProductOf(own);
  if (pointwise)
    return { plan: transposedPlan(pattern), rows, columns: depth, source: { stride: outChannels } };
  if (info.strideHeight !== 1 || info.strideWidth !== 1) return null;
  const plan: BlockPlan | null = turnedPlan(pattern, tapsOf(info));
  const turned = patchProductOf(turnedGeometry(own));
  return plan && { plan, rows: turned.rows, columns: info.inChannels, source: turned };
}

function tapsOf({ inChannels, filterHeight, filterWidth }: ConvolutionInfo) {
  return { channels: inChannels, filterHeight, filterWidth };
}

export const blockSparse: KernelSet = {
  replaced: {
    BlockSparseMatMul: matMul,
    BlockSparseWeightGradient: weightGradient,
    BlockSparseConv2D: convolution,
    BlockSparseConv2DBackpropInput: inputGradient,
    BlockSparseConv2DBackpropValues: valuesGradient,
  },
};
