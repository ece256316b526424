/**
 * Matrices cut into blocks: the grid, the mask, the pattern of the kept blocks, the ops on them, and the mechanism by
 * which an op is defined and gets kernels. Importing this registers nothing: `@espalier/blocks/cpu`, `/wasm`, `/webgpu` and
 * `/tensorflow` do, each for its backend.
 */
export * from './grid.js';
export * from './mask.js';
export {
  BlockPattern,
  patternOf,
  type ColumnView,
  type PatternAttribute,
  type PatternFields,
} from './pattern.js';
export { patternOfText, patternText, type PatternText } from './pattern-text.js';
export { blocksOfPattern, type KeptBlock } from './pattern-blocks.js';
export { placesOnGrid } from './pattern-tables.js';
export { denseOf, valuesOf } from './conversion.js';
export { assertCanBeMade } from './memory.js';
export { checksum } from './checksum.js';
export { describeValue } from './describe-value.js';
export { assertKnownOptions, nearest } from './known-options.js';
export {
  aFunction,
  anInstance,
  anObject,
  assertArgument,
  assertOptions,
  aText,
  listOf,
  numberIn,
  oneOf,
  required,
  trueOrFalse,
  wholeNumber,
  type Expected,
  type Interval,
} from './arguments.js';

export {
  blockDot,
  blockNorms,
  blockRootMeanSquares,
  maskBlocks,
  scaleBlocks,
  wholeBlockNorms,
  type BlockAttributes,
} from './ops/scale-blocks/index.js';
export {
  assertTemperature,
  attentionWeights,
  UNCLIPPED,
  type AttentionAttributes,
} from './ops/softmax-attention/index.js';
export { ZERO_NORM } from './norm-floor.js';
export { TrainingMask, type MaskAttribute, type MaskedResult } from './training-mask.js';
export { keepBlocks } from './ops/keep-blocks/index.js';
export { attendBlocks } from './ops/attend-blocks/index.js';
export {
  scaleByPower,
  scaleByThreshold,
  type NormsOf,
  type PowerOptions,
  type ThresholdOptions,
} from './ops/scale-by-norms/index.js';
export { gatherBlocks, scatterBlocks } from './ops/gather-blocks/index.js';
export { lookUpRows } from './ops/look-up-rows/index.js';
export { blockValuesDot, scaleBlockValues } from './ops/scale-block-values/index.js';
export {
  blockSparseMatMul,
  blockSparseWeightGradient,
  type Activation,
  type MatMulAttributes,
  type MatMulOptions,
} from './ops/block-sparse-matmul/index.js';
export { wholeUpTo } from './ops/block-sparse-matmul/lines.js';
export {
  blockSparseConv2d,
  type Conv2dOptions,
  type ConvolutionAttributes,
} from './ops/block-sparse-conv2d/index.js';
export { col2im, im2col } from './ops/im2col/index.js';
export {
  assertConvolution,
  convolutionInfo,
  patchesShape,
  type ConvolutionInfo,
  type ConvolutionOptions,
  type PatchAttributes,
} from './ops/im2col/convolution-info.js';

export {
  areGradientsDifferentiated,
  defineOperation,
  type Operation,
  type OperationInputs,
} from './operation.js';
export { registerCpuKernel, type CpuKernel, type CpuTensor } from './backends/cpu/kernel.js';
export {
  registerWasmKernel,
  replaceWasmKernel,
  type WasmCall,
  type WasmKernel,
} from './backends/wasm/kernel.js';
export { embedded } from './backends/wasm/embedded.js';
export { compile, instantiate, memoryOf, supports, type Binaries } from './backends/wasm/instantiate.js';
export {
  alignedScratch,
  growingWorkspace,
  newOutput,
  offsetOf,
  oncePerBackend,
  takeOver,
  type TensorData,
  type WasmBackend,
  type WasmHeap,
} from './backends/wasm/heap.js';
export type { Cut } from './backends/wasm/module.js';
export { floatInput } from './backends/wasm/inputs.js';
export { rowList, type BlockList, type KeptBlocks } from './backends/wasm/block-list.js';
export { patternOfResult } from './backends/wasm/masked-result.js';
export {
  gatherKept,
  keptValuesOf,
  takeOverKept,
  type DeferredWork,
  type Kept,
} from './backends/wasm/kept-apart.js';
export {
  registerWebgpuKernel,
  runShader,
  withElements,
  type Shader,
  type WebgpuBackend,
  type WebgpuCall,
  type WebgpuKernel,
  type WebgpuProgram,
} from './backends/webgpu/program.js';
export { useNativeKernels } from './backends/tensorflow/native.js';
export {
  maskedValuesOf,
  renewKept,
  type DeferredWork as TensorflowDeferredWork,
  type MaskedValues,
  type Renewal,
} from './backends/tensorflow/kept-apart.js';
export {
  registerTensorflowKernel,
  type Handle,
  type OpAttribute,
  type TensorflowBackend,
  type TensorflowKernel,
  type TensorflowRun,
} from './backends/tensorflow/kernel.js';
