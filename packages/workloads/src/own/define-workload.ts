/** A workload of one's own, in a few lines: what is not said is as usual. */
import { aFunction, anObject, assertOptions, aText, required, type Expected } from '@espalier/core';
import type { DataSet } from '@espalier/datasets';
import { sgd } from '@espalier/optimizers';
import type * as tf from '@tensorflow/tfjs';

import type { Task } from '../tasks/task.js';
import {
  cosineDecay,
  type LoadOptions,
  type TunableOptimizer,
  type Workload,
  type WorkloadDefaults,
} from '../workload.js';

export interface OwnWorkload extends Pick<Workload, 'target' | 'scales' | 'settings'> {
  /** Lower case, words joined by hyphens. */
  readonly name: string;
  readonly description?: string;
  /** The set, or a function that loads it. */
  readonly data: DataSet | ((options: LoadOptions) => DataSet | Promise<DataSet>);
  /** A new model, its initial weights fixed by the seed; a classifier ends in logits. `pretrained()` makes one, too. */
  readonly model: Model;
  /** `classification`, `regression`, or one of its own. */
  readonly task: Task;
  /** 10 epochs in batches of 64, 90% of blocks of 8 × 8, seeds 0 to 2, where they are not said. */
  readonly defaults?: Partial<WorkloadDefaults>;
  /** A new optimiser; SGD with momentum 0.9 and weight decay 5e-4 when absent. */
  readonly optimizer?: () => TunableOptimizer;
  /**
   * At progress from 0 to 1 through training. Where it is absent it falls from 0.1 to 0 along half a cosine, and stays as
   * it is where an optimiser is given.
   */
  readonly learningRate?: (t: number) => number;
}

interface Model {
  (seed: number, data: DataSet): tf.LayersModel | Promise<tf.LayersModel>;
  /** Of what it starts from, where that is no code: a part of what the data is known by. */
  digest?(): Promise<string>;
}

const USUAL: WorkloadDefaults = {
  sparsities: [0.9],
  blockShapes: [[8, 8]],
  seeds: [0, 1, 2],
  epochs: 10,
  batchSize: 64,
};

const aSetOrLoader: Expected = {
  type: 'object',
  holds: (value) =>
    typeof value === 'function' || (typeof value === 'object' && value !== null && 'train' in value),
  words: 'a data set, as fromArrays() makes one, or a function that loads it',
};

/** @throws TypeError or RangeError for a part that is not what it is to be */
export function defineWorkload(own: OwnWorkload): Workload {
  assertOptions('defineWorkload()', own, {
    name: required(aText("its name, such as 'mine'")),
    description: aText('a line for lists'),
    data: required(aSetOrLoader),
    model: required(aFunction('a function that makes its model: (seed, data) => model')),
    task: required(
      anObject('regression, classification, or one of your own: { name, loss }', { loss: 'function' }),
    ),
    defaults: anObject('an object of sparsities, blockShapes, seeds, epochs and batchSize'),
    optimizer: aFunction('a function that makes its optimiser: () => sgd({ learningRate: 0.1 })'),
    learningRate: aFunction('a function of progress from 0 to 1: cosineDecay(0.1)'),
    target: anObject('parts of the target that belong to the workload'),
    scales: anObject('what each scale says otherwise'),
    settings: anObject('settings of strategies, by their names'),
  });
  const { name, description = name, data, model, task, defaults, ...rest } = own;
  const { optimizer, learningRate, ...parts } = rest;
  const rate = learningRate ?? (optimizer ? constantRate(optimizer) : cosineDecay(0.1));
  return {
    ...parts,
    ...{ name, description, task, model },
    defaults: { ...USUAL, ...defaults },
    async load(options) {
      const set = typeof data === 'function' ? await data(options) : withoutClosing(data);
      return model.digest ? { ...set, modelDigest: () => model.digest!() } : set;
    },
    optimizer: optimizer ?? (() => sgd({ learningRate: rate(0), momentum: 0.9, weightDecay: 5e-4 })),
    learningRate: rate,
  };
}

/** A value is everybody's: who is done with it does not close it for the others. */
function withoutClosing({ close: _, ...set }: DataSet): DataSet {
  return set;
}

function constantRate(make: () => TunableOptimizer): () => number {
  const optimizer = make();
  const { learningRate } = optimizer;
  optimizer.dispose();
  return () => learningRate;
}
