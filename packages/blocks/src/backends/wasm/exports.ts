// What this package compiles to WebAssembly (the files *.as.ts), linked to the memory of a tfjs wasm backend once per backend.

import * as binaries from '../../generated/binaries.js';
import { growingWorkspace, oncePerBackend, type WasmHeap } from './heap.js';
import { instantiate, memoryOf, supports } from './instantiate.js';

/** n, m, block rows, block columns. */
type Cut = [n: number, m: number, blockRows: number, blockColumns: number];

/** The exports of all of them. Pointers are byte offsets into the backend's memory. */
export interface KernelExports {
  productScratchBytes(inner: number, rows: number): number;
  blockSparseProduct(
    transposed: boolean,
    batch: number,
    inner: number,
    outer: number,
    innerBlock: number,
    outerBlock: number,
    x: number,
    values: number,
    y: number,
    pointers: number,
    indices: number,
    starts: number,
    innerPointers: number,
    bias: number,
    relu: boolean,
    scratch: number,
    rowsAtOnce: number,
  ): void;
  directScratchBytes(): number;
  blockSparseDirect: RowsProduct;
  blockSparseRows: RowsProduct;
  gradientScratchBytes(n: number, m: number, blockColumns: number, rows: number): number;
  blockSparseGradient(
    batch: number,
    ...args: [
      ...Cut,
      x: number,
      dy: number,
      out: number,
      pointers: number,
      indices: number,
      starts: number,
      columnPointers: number,
      scratch: number,
      rowsAtOnce: number,
    ]
  ): void;
  gatherBlocks(matrix: number, values: number, ...cut: [...Cut, pointers: number, indices: number]): void;
  scatterBlocks(values: number, matrix: number, ...cut: [...Cut, pointers: number, indices: number]): void;
  scaleBlockValues(
    values: number,
    scale: number,
    out: number,
    ...cut: [...Cut, pointers: number, indices: number]
  ): void;
  blockValuesDot(
    a: number,
    b: number,
    out: number,
    ...cut: [...Cut, pointers: number, indices: number]
  ): void;
  patches(scatter: boolean, x: number, matrix: number, ...geometry: GeometryArguments): void;
  scaleBlocks(matrix: number, scale: number, out: number, ...cut: Cut): void;
  scaleBlocksGrad(
    dy: number,
    matrix: number,
    scale: number,
    dMatrix: number,
    dScale: number,
    ...cut: [...Cut, sums: number]
  ): void;
  blockDot(a: number, b: number, out: number, ...cut: Cut): void;
  attention(logits: number, out: number, ...settings: AttentionArguments): void;
  attentionGrad(dy: number, logits: number, dLogits: number, ...settings: AttentionArguments): void;
}

export type AttentionArguments = [
  size: number,
  normalised: boolean,
  temperature: number,
  minimum: number,
  maximum: number,
];

export type GeometryArguments = [
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

/** Memory for one call: what it held is gone at the next. */
export interface CallMemory {
  /** Byte offset of the scratch memory, on a cache line. */
  readonly scratch: number;
  /** Byte offset of the copy of the integers. */
  readonly integers: number;
}

/** x · W without packing, plus bias, then ReLU. */
type RowsProduct = (
  batch: number,
  inner: number,
  outer: number,
  innerBlock: number,
  outerBlock: number,
  x: number,
  values: number,
  y: number,
  pointers: number,
  indices: number,
  starts: number,
  bias: number,
  relu: boolean,
  scratch: number,
) => void;

/** The kernels linked to one backend. */
export interface Kernels {
  readonly exports: KernelExports;
  /**
   * Scratch memory of some bytes and a copy of integers beside it, in memory that is kept from call to call and grows.
   * Copying a pattern's integers costs microseconds, and leaves nothing to free when the pattern goes.
   */
  forCall(scratchBytes: number, integers: Int32Array): CallMemory;
}

const LINE = 64;

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}

/** The kernels linked to a backend; links them at the first call. */
export const kernelsOf = oncePerBackend(link);

function link(backend: WasmHeap): Kernels {
  const exports = instantiate<KernelExports>(backend, binaries);
  const workspace = growingWorkspace(backend);
  return {
    exports,
    forCall(scratchBytes, integers) {
      const scratchSize = Math.ceil(scratchBytes / LINE) * LINE;
      const base = workspace(scratchSize + integers.byteLength + LINE);
      const scratch = Math.ceil(base / LINE) * LINE;
      const at = scratch + scratchSize;
      // A view of the memory as it is now: making room may have grown it.
      new Int32Array(memoryOf(backend).buffer, at, integers.length).set(integers);
      return { scratch, integers: at };
    },
  };
}
