/**
 * Structured pruning for TensorFlow.js: what strategies are made of, and `sparsify`, which runs them. What a strategy
 * needs of `@espalier/blocks` is here too.
 */
export {
  assertBlockShape,
  assertTemperature,
  blockDot,
  blockFits,
  blockGrid,
  blockNorms,
  blockSize,
  DivergedError,
  growMask,
  keepAll,
  keptBlocks,
  maskBlocks,
  matrixShape,
  scaleBlocks,
  topK,
  type BlockGrid,
  type BlockMask,
  type Shape2D,
} from '@espalier/blocks';
export * from './allocation.js';
export * from './curves.js';
export * from './drop-and-grow.js';
export * from './forward-selection.js';
export * from './importances.js';
export { isUnderPruning, KernelState } from './kernel-state.js';
export { allKernels, layerKernels, type LayerKernel } from './layer-kernels.js';
export { resetOptimizerState, type ResettableOptimizer } from './optimizer-state.js';
export * from './parameterisations.js';
export type * from './pruner.js';
export { Pruning, type PruningState } from './pruning.js';
export * from './random.js';
export {
  nonZeroBlocks,
  type DenseKernelReport,
  type PrunedKernelReport,
  type PruningReport,
} from './report.js';
export * from './search.js';
export type { MaskedKernel, SparseCall, SparseExecution, WeightFactors } from './sparse-execution.js';
export { ModelPruning, sparsify, VariablePruning, type Target } from './sparsify.js';
