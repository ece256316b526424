/** Block-sparse kernels for TensorFlow.js: what makes pruned models smaller and faster. */
import './register.js';

export type { Activation, MatMulAttributes, PatchAttributes, PatternAttribute } from './attributes.js';
export { compress, decompress } from './compress.js';
export {
  compressionReport,
  type CompressedKernelReport,
  type CompressionReport,
  type HowToCompress,
} from './compression-plan.js';
export { denseOf, valuesOf } from './conversion.js';
export type { ConvolutionInfo, ConvolutionOptions } from './convolution-info.js';
export { blockSparseConv2d, type Conv2dOptions, type ConvolutionAttributes } from './convolution.js';
export {
  blockSparseMatMul,
  blockSparseWeightGradient,
  blockValuesDot,
  gatherBlocks,
  scaleBlockValues,
  scatterBlocks,
  type MatMulOptions,
} from './ops.js';
export { BlockPattern, patternOf, type ColumnView, type PatternFields } from './pattern.js';
export { patternOfText, patternText, type PatternText } from './pattern-text.js';
export { costsOf, sparseIsFaster, type Costs } from './cost.js';
export { measureCosts } from './measure-costs.js';
export { sparsePhases, type SparsePhasesOptions } from './sparse-phases.js';
