/** A workload: what is trained, on what, for how long, and how its quality is measured. */
import {
  assertArgument,
  numberIn,
  wholeNumber,
  type Allocation,
  type AllocationName,
  type Target,
} from '@espalier/core';
import type { DataSet } from '@espalier/datasets';
import type * as tf from '@tensorflow/tfjs';

import type { Task } from './tasks/task.js';

export interface Workload {
  /** Lower case, words joined by hyphens. */
  readonly name: string;
  /** One line, for lists. */
  readonly description: string;
  readonly defaults: WorkloadDefaults;
  /** `classification`, `regression`, or one of its own. */
  readonly task: Task;
  /**
   * The data, the same for one seed whatever the strategy. A workload whose data does not depend on the seed
   * ignores it.
   *
   * @throws DataError when files are missing or damaged
   */
  load(options: { dataFolder: string; seed: number }): Promise<WorkloadData>;
  /** A new model, its initial weights fixed by the seed; it ends in logits. */
  model(seed: number): tf.LayersModel;
  /** A new optimiser, its learning rate that of the first step. */
  optimizer(): TunableOptimizer;
  /** The learning rate at progress `t` from 0 to 1 through training. */
  learningRate(t: number): number;
  /** Parts of the target that belong to the workload. */
  readonly target?: WorkloadTarget;
}

export interface WorkloadTarget extends Pick<Target, 'minimumBlocks' | 'kernels' | 'overrides'> {
  /** How the budget is shared over the layers, where it belongs to the workload: a name, or a value of one's own. */
  readonly allocation?: AllocationName | Allocation;
}

export interface WorkloadDefaults {
  readonly sparsities: readonly number[];
  readonly blockShapes: readonly (readonly [number, number])[];
  readonly seeds: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
}

export interface WorkloadData extends DataSet {
  /**
   * Where the truth is known: by kernel name, the true weights, of which those that are not zero are the
   * support to recover.
   */
  readonly truth?: Readonly<Record<string, Float32Array>>;
}

export interface TunableOptimizer extends tf.Optimizer {
  learningRate: number;
}

/** Steps in one epoch; the last batch may be smaller. */
export function stepsPerEpoch(examples: number, batchSize: number): number {
  assertArgument('stepsPerEpoch()', 'examples', examples, wholeNumber(0));
  assertArgument('stepsPerEpoch()', 'batchSize', batchSize, wholeNumber());
  return Math.ceil(examples / batchSize);
}

/** From `maximum` to 0 along half a cosine (Loshchilov & Hutter, arXiv 1608.03983). */
export function cosineDecay(maximum: number): (t: number) => number {
  assertArgument(
    'cosineDecay()',
    'maximum',
    maximum,
    numberIn('[0, ∞)', 'the learning rate of the first step'),
  );
  return (t) => (maximum / 2) * (1 + Math.cos(Math.PI * t));
}
