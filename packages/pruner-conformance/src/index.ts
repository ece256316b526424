/** The test suite that every strategy must pass: as vitest tests, and as plain functions that throw. */
export { checkAllocation } from './allocation.js';
export { centralDifferences } from './central-differences.js';
export { ConformanceError, type Check, type ConformanceOptions, type MakePruner } from './conformance.js';
export { describePruner, type CheckName, type DescribeOptions } from './describe-pruner.js';
export { checkEffectiveStart } from './effective-start.js';
export { checkElementwise } from './elementwise.js';
export {
  checkEarlyEnd,
  checkFinalBlocks,
  checkFinalize,
  checkOneBlock,
  checkRaggedEdges,
  checkSparsityZero,
} from './final-blocks.js';
export { checkFitAndLoop } from './fit-and-loop.js';
export { checkGradients } from './gradients.js';
export { checkLayerKind, checkLayerKinds, layerKinds, type LayerKind } from './layer-kinds.js';
export { checkLearningRates } from './learning-rates.js';
export { checkMetadata } from './metadata.js';
export { checkModelWeights } from './model-weights.js';
export { checkOnePass } from './one-pass.js';
export { checkPhases } from './phases.js';
export { checkDeterminism, checkIndependence } from './repeatability.js';
export { checkResume } from './resume.js';
export { checkSeeds } from './seeds.js';
export { checkTensors } from './tensors.js';
