/**
 * Pruning strategies compared on identical workloads, in Node and in browsers: what is compared, how it is run, where
 * results lie, how they are shown.
 */
export { currentBackend, type BackendDescription, type StartedBackend } from './backend.js';
export { compare, type CompareOptions } from './compare.js';
export { isUsageError, TrialsFailed, UsageError } from './errors.js';
export { estimate, type Estimate, type EstimatedTrial } from './estimate.js';
export type { Executor, RunOptions, Work } from './executors/executor.js';
export { inPlace, type InPlaceOptions } from './executors/in-place.js';
export type { Measure, RunMeasure } from './measure.js';
export { unlessAborted } from './patience.js';
export { filePlan, plannedTrial, readPlan, writePlan, type FiledPlan } from './plan-file.js';
export { planTrials, type ComparedWorkload, type Plan, type Strategy } from './plan.js';
export { duration, formatBytes } from './quantities.js';
export { heading } from './reports/heading.js';
export { mergeSummaries, type NamedSummary } from './reports/merge.js';
export type { Report } from './reports/report.js';
export { reports, writeSummary } from './reports/reports.js';
export { cells, groupRows, referenceFor, valuesBySeed, type Group } from './reports/table.js';
export { isPruned, targetText } from './reports/target.js';
export { runOne, type Dispatch, type Dispatched, type Running, type Watcher } from './run-all.js';
export { standings, type Standing, type TrialState } from './standings.js';
export { judge, type Judged, type Verdict } from './judge.js';
export { meanInterval, pairedDifference, spread, type Difference, type Spread } from './statistics.js';
export { memoryStore } from './store/memory.js';
export type {
  Checkpoint,
  Failure,
  Lease,
  LeaseKey,
  LogMark,
  ModelsToSave,
  SavedFile,
  SavedModels,
  StepLog,
  StepMetrics,
  Store,
  StoredTensor,
  TrialStore,
} from './store/store.js';
export {
  denseValueIn,
  describeMeasures,
  measuresIn,
  valueIn,
  type Environment,
  type Row,
  type Summary,
  type SummaryClaim,
} from './summary.js';
export type { MeasureDescription } from '@espalier/workloads';
export {
  packMask,
  unpackMask,
  type ChosenMasks,
  type MaskBits,
  type MaskedKernel,
  type MaskRecord,
} from './trial/masks.js';
export type { KernelView } from './trial/kernel-views.js';
export type { Reading } from './trial/loop.js';
export { trialId, trialName } from './trial/identity.js';
export type { Configuration, SearchKind } from './tune/configurations.js';
export type { Round } from './tune/rounds.js';
export {
  assertFits,
  chosenFor,
  parseSettings,
  strategyFor,
  type ChosenSettings,
  type TriedSettings,
  type TunedSettings,
  type TuningNote,
} from './tune/settings-file.js';
export { describeBudget, describeTuning } from './tune/describe-tuning.js';
export { tune, tunedInPlace, type TunedStrategy, type TuneOptions } from './tune/tune.js';
export type { FinishedRun, SavedSize, TrainedModel } from './trial/run.js';
export { train, type TrainOptions } from './trial/train.js';
export {
  prunerName,
  trialLabel,
  type AllocationReference,
  type Code,
  type Computing,
  type Fingerprint,
  type ProductCosts,
  type Reference,
  type Training,
  type Trial,
  type TrialOutcome,
  type TrialProgress,
  type TrialResult,
  type TrialTarget,
  type UsedAccelerator,
} from './trial/trial.js';
