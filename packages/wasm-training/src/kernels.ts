// The kernels of assembly/, linked to the memory of a tfjs wasm backend once per backend.

import {
  alignedScratch,
  compile,
  growingWorkspace,
  instantiate,
  oncePerBackend,
  supports,
  type WasmHeap,
} from '@espalier/blocks';
import type { EpilogueArguments } from './epilogue.js';
import * as binaries from './generated/binaries.js';

/** The exports of assembly/index.ts. Pointers are byte offsets into the backend's memory. */
export interface KernelExports {
  gemmScratchBytes(): number;
  gemm(...args: [...Product, ...EpilogueArguments, scratch: number]): void;
  multiplyMatrices(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    a: number,
    strideA: number,
    b: number,
    strideB: number,
    c: number,
    strideC: number,
    accumulate: boolean,
    scratch: number,
  ): void;
  finishColumns(
    c: number,
    n: number,
    m: number,
    firstColumn: number,
    columns: number,
    bias: number,
    activation: number,
    slopes: number,
    slope: number,
  ): void;
  sgdUpdate(w: number, g: number, newW: number, size: number, rate: number, decay: number): void;
  momentumUpdate(
    w: number,
    g: number,
    v: number,
    newW: number,
    newV: number,
    size: number,
    rate: number,
    momentum: number,
    decay: number,
    nesterov: boolean,
  ): void;
  adamUpdate(
    w: number,
    g: number,
    m: number,
    v: number,
    newW: number,
    newM: number,
    newV: number,
    size: number,
    rate: number,
    beta1: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    epsilon: number,
    root: number,
    decay: number,
  ): void;
  crossEntropy(labels: number, logits: number, rows: number, columns: number): number;
  crossEntropyGrad(
    labels: number,
    logits: number,
    dLogits: number,
    rows: number,
    columns: number,
    factor: number,
  ): void;
  copyRuns(from: number, to: number, runs: number, bytes: number, fromStep: number, toStep: number): void;
  gatherRuns(
    x: number,
    indices: number,
    out: number,
    outer: number,
    length: number,
    bytes: number,
    count: number,
  ): number;
  tanh(x: number, y: number, size: number): void;
  reluGrad(dy: number, x: number, dx: number, size: number): void;
  sumMiddle(x: number, out: number, outer: number, length: number, inner: number, factor: number): void;
  spreadMiddle(x: number, out: number, outer: number, length: number, inner: number, factor: number): void;
  binary(
    kind: number,
    a: number,
    b: number,
    out: number,
    outer: number,
    inner: number,
    aOuter: number,
    aInner: number,
    bOuter: number,
    bInner: number,
  ): void;
  batchNormFactor(variance: number, scale: number, factor: number, channels: number, epsilon: number): void;
  batchNorm(
    x: number,
    mean: number,
    factor: number,
    offset: number,
    y: number,
    rows: number,
    channels: number,
  ): void;
  batchNormGradient(
    dy: number,
    x: number,
    mean: number,
    factor: number,
    dx: number,
    sumDy: number,
    sumDyX: number,
    rows: number,
    channels: number,
    totals: number,
  ): void;
  segmentSum(
    x: number,
    ids: number,
    out: number,
    rows: number,
    columns: number,
    inner: number,
    segments: number,
  ): void;
  gatherPatches(
    x: number,
    ...more: [...ConvolutionGeometry, first: number, count: number, patches: number]
  ): void;
  scatterPatches(
    dx: number,
    ...more: [...ConvolutionGeometry, first: number, count: number, patches: number]
  ): void;
  clear(offset: number, bytes: number): void;
  turnFilter(
    filter: number,
    to: number,
    filterHeight: number,
    filterWidth: number,
    channels: number,
    outChannels: number,
  ): void;
  convolution: ConvolutionExport<
    [
      patches: number,
      chunk: number,
      scratch: number,
      bias: number,
      activation: number,
      slopes: number,
      slope: number,
    ]
  >;
  convFilterGradient: ConvolutionExport<[patches: number, chunk: number, scratch: number]>;
  convInputGradient: ConvolutionExport<[patches: number, chunk: number, scratch: number]>;
  depthwiseFilterGradient: ConvolutionExport<[]>;
  depthwiseInputGradient: ConvolutionExport<[]>;
  maxPoolGradient: ConvolutionExport<[]>;
  avgPoolGradient(dy: number, dx: number, ...geometry: ConvolutionGeometry): void;
}

/** What is multiplied: C [m, n] = op(A) · op(B), or C += op(A) · op(B). Pointers to row-major matrices. */
export type Product = [
  transposeA: boolean,
  transposeB: boolean,
  m: number,
  n: number,
  k: number,
  a: number,
  b: number,
  c: number,
  accumulate: boolean,
];

/** A convolution or a gradient of one: two operands, the result, the geometry, then `More`. */
type ConvolutionExport<More extends number[]> = (
  ...args: [a: number, b: number, out: number, ...ConvolutionGeometry, ...More]
) => void;

/** For depthwise convolutions the channel multiplier stands in the place of outChannels. */
export type ConvolutionGeometry = [
  batch: number,
  height: number,
  width: number,
  channels: number,
  outHeight: number,
  outWidth: number,
  outChannels: number,
  filterHeight: number,
  filterWidth: number,
  strideHeight: number,
  strideWidth: number,
  dilationHeight: number,
  dilationWidth: number,
  padTop: number,
  padLeft: number,
];

/** The kernels linked to one backend, with the scratch memory they share. */
export interface Kernels {
  readonly exports: KernelExports;
  /** Byte offset of the scratch memory of `gemm`; its size is fixed and it lives as long as the backend. */
  readonly scratch: number;
  /** The kernels for another memory, with the arithmetic of these: relaxed SIMD or not. */
  moduleFor(memory: WebAssembly.Memory): WebAssembly.Module;
  /** Byte offset of another piece of at least `bytes`, kept for reuse; a larger demand replaces it. */
  workspace(bytes: number): number;
}

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}

/** The kernels linked to a backend; links them at the first call. */
export const kernelsOf = oncePerBackend(link);

/** Links the kernels to a backend, without remembering it. */
export function link(backend: WasmHeap): Kernels {
  const exports = instantiate<KernelExports>(backend, binaries);
  const { simd, simdShared } = binaries;
  const relaxed = supports(binaries.relaxedSimd);
  const sameKind = relaxed ? binaries : { ...binaries, relaxedSimd: simd, relaxedSimdShared: simdShared };
  return {
    exports,
    moduleFor: (memory) => compile(memory, sameKind),
    scratch: alignedScratch(backend, exports.gemmScratchBytes()),
    workspace: growingWorkspace(backend),
  };
}
