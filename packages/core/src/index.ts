/**
 * Structured pruning for TensorFlow.js: what strategies are made of, and `sparsify`, which runs them. What a strategy
 * needs of `@espalier/blocks` is here too.
 */
export {
  aFunction,
  anInstance,
  anObject,
  assertArgument,
  assertBlockShape,
  assertKnownOptions,
  assertOptions,
  aText,
  blockDot,
  blockFits,
  blockGrid,
  blockNorms,
  blockRootMeanSquares,
  blockSize,
  complement,
  describeValue,
  DivergedError,
  growMask,
  keepAll,
  keptBlocks,
  listOf,
  maskBlocks,
  matrixShape,
  numberIn,
  oneOf,
  required,
  scaleBlocks,
  scaleByPower,
  scaleByThreshold,
  topK,
  trueOrFalse,
  wholeBlockNorms,
  wholeNumber,
  type BlockGrid,
  type BlockMask,
  type Expected,
  type Interval,
  type Shape2D,
  ZERO_NORM,
  type TrainingMask,
} from '@espalier/blocks';
export type * from './pruner.js';
export { inOnePass } from './one-pass.js';
export * from './parameterisations.js';
export { aTravel, travel } from './learning-rates.js';
export { chain } from './chain.js';
export { assertCombination } from './combination.js';
export { assertParts } from './parts.js';
export * from './importances.js';
export {
  allocations,
  blocksToKeep,
  erdosRenyiKernel,
  global,
  uniform,
  type Allocation,
  type AllocationLayer,
  type AllocationName,
} from './allocation.js';
export { assertOverrides, type KernelOverrides, type Overrides } from './overrides.js';
export * from './random.js';
export {
  between,
  choiceOf,
  spaceOf,
  tunable,
  type NumberRange,
  type SettingChoice,
  type SettingRange,
  type SettingsSpace,
  type Tunable,
} from './space.js';

export {
  densePhase,
  maskedOrErased,
  sparsePhase,
  sparsificationPhase,
  type Choice,
  type EverySteps,
  type Phase,
  type Search,
} from './search/phases.js';
export * from './search/placing.js';
export { shareOfTraining } from './search/share.js';
export { cubic, exponential, type Curve } from './search/curves.js';
export * from './search/one-shot.js';
export * from './search/gradual.js';
export {
  cifar10Plan,
  criteoPlan,
  imagenetPlan,
  namedPlan,
  planOrName,
  type AlternatingPlan,
} from './search/alternating-plan.js';
export * from './search/alternating.js';
export * from './search/alternating-with-sparsification.js';
export * from './search/forward-selection.js';
export { dropAndGrow, type DropAndGrowSettings } from './search/drop-and-grow.js';

export { ModelPruning, sparsify, VariablePruning } from './run/sparsify.js';
export { assertTarget, type Calibration, type Target } from './run/target.js';
export { Pruning, type FinalizeOptions } from './run/pruning.js';
export type { PruningState } from './run/state.js';
export { isUnderPruning } from './run/held-variables.js';
export { KernelState, type KernelSource } from './run/kernel-state.js';
export type { OwnRate } from './run/own-rates.js';
export type { RecordedGradient } from './run/recorded-gradient.js';
export {
  allKernels,
  layerKernels,
  type LayerKernel,
  type OpenLayer,
  type PrunableLayer,
} from './run/find-kernels.js';
export type { ResettableOptimizer } from './run/optimizer-state.js';
export type { SteppingOptimizer } from './run/step-size.js';
export type { MaskedKernel, SparseCall, SparseExecution, WeightFactors } from './run/sparse-execution.js';
export { assertModel, assertRebuildable, assertRebuilt, type Rewriting } from './rebuildable.js';
export { multiplyAdds, type MultiplyAdds } from './multiply-adds.js';
export {
  nonZeroBlocks,
  type DenseKernelReport,
  type PrunedKernelReport,
  type PruningReport,
} from './report.js';
