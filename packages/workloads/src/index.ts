/** What pruning strategies are compared on: what a workload and a task are, and the built-in ones by name. */
import builtIn from './generated/workloads.js';
import type { Workload } from './workload.js';

export {
  formatNumber,
  lossFormat,
  megabytes,
  milliseconds,
  millions,
  percent,
  times,
  wholes,
  type Accumulator,
  type Loss,
  type MeasureDescription,
  type NumberFormat,
  type QualityMeasure,
  type WeightedLoss,
} from './measure.js';
export { defineWorkload, type OwnWorkload } from './own/define-workload.js';
export { endingInLogits } from './own/ending-in-logits.js';
export { fromTensors, type TensorsSettings } from './own/from-tensors.js';
export { withWarmUp, type WarmUp } from './schedules.js';
export { binaryClassification } from './tasks/binary-classification.js';
export { classification } from './tasks/classification.js';
export { smoothedClassification } from './tasks/label-smoothing.js';
export { regression } from './tasks/regression.js';
export type { Examined, Task } from './tasks/task.js';
export { ownTraining, trainingSpace, withTraining, type TrainingSettings } from './training.js';
export {
  atScale,
  cosineDecay,
  scaleNames,
  stepsPerEpoch,
  type LoadOptions,
  type Scale,
  type ScaleName,
  type TunableOptimizer,
  type Workload,
  type WorkloadData,
  type WorkloadDefaults,
  type WorkloadTarget,
} from './workload.js';

/** The built-in workloads by name, each loaded when it is asked for: `@espalier/workloads/<name>` exports it too. */
export const workloads: Readonly<Record<string, () => Promise<Workload>>> = builtIn;
