// The exports of assembly/, by its files. Pointers are byte offsets into the backend's memory.

export interface KernelExports
  extends
    ProductExports,
    ConvolutionExports,
    WinogradExports,
    BlockPanelExports,
    PoolingExports,
    NormalisationExports,
    ElementExports,
    CopyExports {}

/** gemm.ts, epilogue.ts */
interface ProductExports {
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
    ...epilogue: EpilogueArguments
  ): void;
}

/** convolution.ts, depthwise.ts */
interface ConvolutionExports {
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
  convolution: ConvolutionExport<[patches: number, chunk: number, scratch: number, ...EpilogueArguments]>;
  convFilterGradient: ConvolutionExport<[patches: number, chunk: number, scratch: number]>;
  convInputGradient: ConvolutionExport<[patches: number, chunk: number, scratch: number]>;
  depthwiseFilterGradient: ConvolutionExport<[]>;
  depthwiseInputGradient: ConvolutionExport<[]>;
}

/** winograd.ts */
interface WinogradExports {
  winogradBytes(channels: number, outChannels: number): number;
  winogradConvolution: ConvolutionExport<[scratch: number, ...EpilogueArguments]>;
  winogradFilterGradient: ConvolutionExport<[firstChannel: number, channels: number, scratch: number]>;
}

/** block-panels.ts. Parts are tables of int32. */
interface BlockPanelExports {
  gatherColumns(x: number, stride: number, rows: number, parts: number, count: number, panel: number): void;
  scatterParts(panel: number, to: number, parts: number, count: number): void;
  gatherPatchColumns(
    x: number,
    ...more: [
      ...geometry: ConvolutionGeometry,
      first: number,
      count: number,
      parts: number,
      partCount: number,
      panelWidth: number,
      panel: number,
    ]
  ): void;
  packTransposedBlocks(values: number, parts: number, count: number, height: number, panel: number): void;
}

/** pooling.ts */
interface PoolingExports {
  maxPoolGradient: ConvolutionExport<[]>;
  avgPoolGradient(dy: number, dx: number, ...geometry: ConvolutionGeometry): void;
}

/** batch-norm.ts, batch-norm-training.ts */
interface NormalisationExports {
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
  batchNormStatistics(
    x: number,
    mean: number,
    variance: number,
    rows: number,
    channels: number,
    totals: number,
  ): void;
  batchNormTrainingGradient(
    dy: number,
    x: number,
    mean: number,
    variance: number,
    scale: number,
    dMean: number,
    dVariance: number,
    dx: number,
    dScale: number,
    dOffset: number,
    rows: number,
    channels: number,
    epsilon: number,
    totals: number,
  ): void;
  movingAverage(moving: number, value: number, moved: number, channels: number, decay: number): void;
}

/** elementwise.ts, reduce.ts */
interface ElementExports {
  tanh(x: number, y: number, size: number): void;
  relu(x: number, y: number, size: number): void;
  reluGrad(dy: number, x: number, dx: number, size: number): void;
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
  sumMiddle(x: number, out: number, outer: number, length: number, inner: number, factor: number): void;
  spreadMiddle(x: number, out: number, outer: number, length: number, inner: number, factor: number): void;
}

/** copy.ts, segments.ts */
interface CopyExports {
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
  segmentSum(
    x: number,
    ids: number,
    out: number,
    rows: number,
    columns: number,
    inner: number,
    segments: number,
  ): void;
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

/** What a product does to its result at the end: byte offsets of bias and slopes, 0 for what is absent. */
export type EpilogueArguments = [bias: number, activation: number, slopes: number, slope: number];
