/** A workload: what is trained, on what, for how long, and how its quality is measured. */
import {
  assertArgument,
  numberIn,
  oneOf,
  wholeNumber,
  type Allocation,
  type AllocationName,
  type Target,
} from '@espalier/core';
import type { DataSet, PreparationProgress } from '@espalier/datasets';
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
  load(options: LoadOptions): WorkloadData | Promise<WorkloadData>;
  /** A new model for the data, its initial weights fixed by the seed; a classifier ends in logits. */
  model(seed: number, data: WorkloadData): tf.LayersModel | Promise<tf.LayersModel>;
  /** A new optimiser, its learning rate that of the first step. */
  optimizer(): TunableOptimizer;
  /** The learning rate at progress `t` from 0 to 1 through training. */
  learningRate(t: number): number;
  /** Parts of the target that belong to the workload. */
  readonly target?: WorkloadTarget;
  /** How much of a recipe it can be: what each says otherwise than the workload itself, which is the `small` one. */
  readonly scales?: Readonly<Partial<Record<ScaleName, Scale>>>;
  /** Which of them this is, where `atScale()` made it. */
  readonly scale?: ScaleName;
  /** Settings that its recipe gives to strategies, by their names: `{ acdc: { plan: 'cifar10' } }`. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface LoadOptions {
  readonly dataFolder: string;
  readonly seed: number;
  /** Is told, where data has to be prepared first, what is being done and how far it is. */
  readonly onProgress?: (progress: PreparationProgress) => void;
}

/** `smoke` takes seconds, `small` some minutes on two cores, `paper` is the published recipe. */
export type ScaleName = 'smoke' | 'small' | 'paper';

export const scaleNames: readonly ScaleName[] = ['smoke', 'small', 'paper'];

export interface Scale extends Partial<
  Pick<Workload, 'load' | 'model' | 'optimizer' | 'learningRate' | 'target' | 'settings'>
> {
  readonly defaults?: Partial<WorkloadDefaults>;
}

/**
 * The workload as it is at a scale.
 *
 * @throws RangeError where it has no such scale
 */
export function atScale(workload: Workload, scale: ScaleName): Workload {
  assertArgument('atScale()', 'scale', scale, oneOf(...scaleNames));
  const { scales = {} } = workload;
  const own = scales[scale];
  if (!own && scale !== 'small') {
    const others = scaleNames.filter((name) => name === 'small' || scales[name]);
    throw new RangeError(
      `The workload '${workload.name}' has no scale '${scale}': choose ${others.join(' or ')}`,
    );
  }
  const { defaults, ...parts } = own ?? {};
  return { ...workload, ...parts, scale, defaults: { ...workload.defaults, ...defaults } };
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
  /** Examples that a step of the optimiser is of. */
  readonly batchSize: number;
  /**
   * How many of them are on the device at a time, where a whole batch would not fit: gradients of the parts are added
   * up, and what a layer sees of its batch, such as batch normalisation's moments, is of a part. The whole batch when
   * absent.
   */
  readonly microBatchSize?: number;
}

export interface WorkloadData extends DataSet {
  /**
   * Where the truth is known: by kernel name, the true weights, of which those that are not zero are the
   * support to recover.
   */
  readonly truth?: Readonly<Record<string, Float32Array>>;
  /** Of what the model starts from, where that is no code: the files of one that was trained already. */
  modelDigest?(): Promise<string>;
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
