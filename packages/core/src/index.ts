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
  blockRootMeanSquares,
  blockSize,
  complement,
  DivergedError,
  growMask,
  keepAll,
  keptBlocks,
  maskBlocks,
  matrixShape,
  scaleBlocks,
  topK,
  wholeBlockNorms,
  type BlockGrid,
  type BlockMask,
  type Shape2D,
} from '@espalier/blocks';
export type * from './pruner.js';
export * from './parameterisations.js';
export { chain } from './chain.js';
export { assertCombination } from './combination.js';
export * from './importances.js';
export * from './allocation.js';
export type { KernelOverrides, Overrides } from './overrides.js';
export * from './random.js';

export * from './search/phases.js';
export * from './search/placing.js';
export * from './search/curves.js';
export * from './search/one-shot.js';
export * from './search/gradual.js';
export { criteoPlan, imagenetPlan, namedPlan, type AlternatingPlan } from './search/alternating-plan.js';
export * from './search/alternating.js';
export * from './search/alternating-with-sparsification.js';
export * from './search/forward-selection.js';
export * from './search/drop-and-grow.js';

export { ModelPruning, sparsify, VariablePruning } from './run/sparsify.js';
export type { Target } from './run/target.js';
export { Pruning, type FinalizeOptions } from './run/pruning.js';
export type { PruningState } from './run/state.js';
export { isUnderPruning, keepsZeros, KernelState } from './run/kernel-state.js';
export { allKernels, layerKernels, type LayerKernel, type PrunableLayer } from './run/find-kernels.js';
export { resetOptimizerState, type ResettableOptimizer } from './run/optimizer-state.js';
export type { SteppingOptimizer } from './run/step-size.js';
export type { MaskedKernel, SparseCall, SparseExecution, WeightFactors } from './run/sparse-execution.js';
export {
  nonZeroBlocks,
  type DenseKernelReport,
  type PrunedKernelReport,
  type PruningReport,
} from './report.js';
