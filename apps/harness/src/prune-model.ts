/** Pruning one model, with examples of its own or without. */
import { allocations, sparsify, type AllocationName, type Pruner, type PruningReport } from '@espalier/core';
import { permutation, random } from '@espalier/datasets';
import type { CsvExamples } from '@espalier/datasets/csv';
import { UsageError } from '@espalier/experiment';
import { loadPruner } from '@espalier/experiment/node';
import * as tf from '@tensorflow/tfjs';

import { findConfig } from './config.js';
import { openRegistry, resolveReference } from './registry.js';

/** How far to prune. */
export interface PruneTarget {
  readonly sparsity: number;
  readonly block: [number, number];
  readonly minimumBlocks: number;
  readonly allocation?: AllocationName;
}

/** A strategy by its name or module, as in a comparison. */
export async function loadNamedPruner(name: string, config?: string): Promise<Pruner> {
  const { pruners } = await openRegistry(findConfig(config));
  return loadPruner(await resolveReference(name, pruners, 'strategy'));
}

/** Prunes by what the weights are now, without a step of training. */
export async function prunedUntrained(
  model: tf.LayersModel,
  pruner: Pruner,
  target: PruneTarget,
  examples: ModelExamples | null,
): Promise<PruningReport> {
  const calibration = examples && firstOf(examples.train.x);
  const pruning = await begin(model, pruner, target, 100, calibration ?? undefined);
  try {
    return await pruning.finalize();
  } finally {
    calibration?.dispose();
  }
}

/** Inputs for strategies that go by them. */
const CALIBRATION = 256;

function firstOf(x: tf.Tensor): tf.Tensor {
  const [count = 0, ...shape] = x.shape;
  return x.slice(0, [Math.min(CALIBRATION, count), ...shape]);
}

/** @throws UsageError for a model of which nothing can be pruned so */
async function begin(
  model: tf.LayersModel,
  pruner: Pruner,
  target: PruneTarget,
  totalSteps: number,
  calibration?: tf.Tensor,
) {
  const { sparsity, block, minimumBlocks, allocation } = target;
  if (!calibration && (pruner.importance.usesInputs || pruner.growth?.usesInputs)) {
    throw new UsageError(
      `${pruner.name} scores by what comes to the layers: give it examples, --data <file.csv>`,
    );
  }
  try {
    return await sparsify(model, pruner, {
      ...{ sparsity, blockShape: block, minimumBlocks, totalSteps },
      ...(allocation && { allocation: allocations[allocation] }),
      ...(calibration && { calibration }),
      ...((model.optimizer as tf.Optimizer | undefined) ? {} : { optimizer: null }),
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Examples as a model takes them, a part of them held out to judge it by. */
export interface ModelExamples extends Judged {
  readonly train: Tensors;
  readonly test: Tensors;
  readonly heldOut: number;
  dispose(): void;
}

interface Tensors {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}

/** Of the examples; the others train. */
const HELD_OUT = 0.2;

/** @throws UsageError where the rows are not the model's inputs, or what is to be learned is not its output */
export async function asExamples(
  model: tf.LayersModel,
  { inputs, labels, targets }: CsvExamples,
): Promise<ModelExamples> {
  const shape = model.inputs[0]!.shape.slice(1).map((length) => length ?? 1);
  const size = tf.util.sizeFromShape(shape);
  const width = inputs[0]?.length ?? 0;
  if (model.inputs.length > 1 || width !== size) {
    throw new UsageError(
      `The table has ${width} columns of inputs, and the model takes ${model.inputs.map((input) => `[${input.shape.slice(1).join(', ')}]`).join(' and ')}`,
    );
  }
  const classes = labels && [...new Set(labels)].sort(byNumberOrName);
  const judged = judgedBy(model, classes?.length ?? null);
  const numbers = classes ? labels.map((label) => classOf(label, classes)) : targets!;
  const order = permutation(inputs.length, random(0, 'held-out'));
  const held = Math.max(1, Math.round(HELD_OUT * inputs.length));
  const part = (places: ArrayLike<number>): Tensors => {
    const own = Array.from(places);
    const x = Float32Array.from(own.flatMap((i) => [...inputs[i]!]));
    return { x: tf.tensor(x, [own.length, ...shape]), y: judged.targets(own.map((i) => numbers[i]!)) };
  };
  const [test, train] = [part(order.subarray(0, held)), part(order.subarray(held))];
  const dispose = () => tf.dispose([train.x, train.y, test.x, test.y]);
  return { ...judged, train, test, heldOut: held, dispose };
}

/** Labels that are all indices stand for themselves; names, in their order. */
function classOf(label: string, classes: readonly string[]): number {
  return classes.every((name) => /^\d+$/.test(name)) ? Number(label) : classes.indexOf(label);
}

function byNumberOrName(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : 1);
}

/** How outputs are judged: of a classifier's classes, or of numbers. */
interface Judged {
  readonly loss: string | ((y: tf.Tensor, outputs: tf.Tensor) => tf.Tensor);
  readonly metric: 'accuracy' | null;
  /** Labels, or numbers, as the loss takes them. */
  targets(of: readonly number[]): tf.Tensor;
}

/**
 * The loss that belongs to a model's last activation.
 *
 * @param classes of the labels; null where numbers are to be predicted
 * @throws UsageError where the outputs are not those of so many classes, or of a number
 */
function judgedBy(model: tf.LayersModel, classes: number | null): Judged {
  const [output, ...others] = model.outputs;
  const units = output!.shape.at(-1) ?? 0;
  if (others.length > 0 || output!.shape.length !== 2) {
    throw new UsageError(
      'The model puts out more than one row for each example, and a column is one number or class: prune it without ' +
        '--data, or train it in a program of your own',
    );
  }
  const column: Judged['targets'] = (numbers) => tf.tensor2d([...numbers], [numbers.length, 1]);
  if (classes === null) {
    if (units === 1) return { loss: 'meanSquaredError', metric: null, targets: column };
    throw new UsageError(`The model puts out ${units} numbers, and --target is one column`);
  }
  const activation = activationOf(model.layers);
  if (units === 1 && activation === 'sigmoid' && classes <= 2) {
    return { loss: 'binaryCrossentropy', metric: 'accuracy', targets: column };
  }
  if (units < classes || units < 2) {
    throw new UsageError(
      `The labels are of ${classes} classes, and the model puts out ${units === 1 ? 'one number' : `${units} numbers`}`,
    );
  }
  const targets: Judged['targets'] = (labels) =>
    tf.oneHot(tf.tensor1d([...labels], 'int32'), units).toFloat();
  if (activation === 'softmax') return { loss: 'categoricalCrossentropy', metric: 'accuracy', targets };
  return { loss: logitsLoss, metric: 'accuracy', targets };
}

function logitsLoss(y: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  return tf.losses.softmaxCrossEntropy(y, outputs);
}

/** Of the last layer, in small letters; a layer `Softmax` is one. */
function activationOf(layers: readonly tf.layers.Layer[]): string {
  const last = layers.at(-1) as tf.layers.Layer & {
    activation?: { getClassName(): string };
    layers?: tf.layers.Layer[];
  };
  if (last.layers) return activationOf(last.layers);
  return (last.activation?.getClassName() ?? last.getClassName()).toLowerCase();
}

/** Loss, and accuracy of a classifier, on the examples that are held out. */
export async function qualityOf(
  model: tf.LayersModel,
  { loss, metric, test }: ModelExamples,
): Promise<string> {
  const outputs = model.predict(test.x) as tf.Tensor;
  const scores = tf.tidy(() => {
    const own = typeof loss === 'string' ? namedLoss(loss, test.y, outputs) : loss(test.y, outputs);
    const right =
      outputs.shape[1] === 1
        ? outputs.greater(0.5).equal(test.y.toBool())
        : outputs.argMax(1).equal(test.y.argMax(1));
    return [own.mean(), right.mean()] as const as never;
  }) as unknown as [tf.Tensor, tf.Tensor];
  const [value, accuracy] = await Promise.all(scores.map(async (score) => (await score.data())[0]!));
  tf.dispose([outputs, ...scores]);
  return `loss ${value!.toPrecision(4)}${metric ? `, accuracy ${(100 * accuracy!).toFixed(2)}%` : ''}`;
}

function namedLoss(name: string, y: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  return tf.metrics[name as 'meanSquaredError'](y, outputs);
}

export interface FineTuning {
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** Trains on while the strategy prunes. */
export async function train(
  model: tf.LayersModel,
  pruner: Pruner,
  target: PruneTarget,
  { train: { x, y }, loss }: ModelExamples,
  { epochs, batch, learningRate }: FineTuning,
  tell: (epoch: number, epochs: number, loss: number) => void,
): Promise<PruningReport> {
  model.compile({ optimizer: tf.train.adam(learningRate), loss: loss as string });
  const steps = epochs * Math.ceil(x.shape[0]! / batch);
  const calibration = firstOf(x);
  const pruning = await begin(model, pruner, target, steps, calibration);
  await model.fit(x, y, {
    ...{ epochs, batchSize: batch, verbose: 0, shuffle: true },
    callbacks: [
      pruning.callback(),
      new tf.CustomCallback({ onEpochEnd: (epoch, logs) => tell(epoch + 1, epochs, logs?.['loss'] ?? NaN) }),
    ],
  });
  const report = await pruning.finalize();
  calibration.dispose();
  model.optimizer.dispose();
  return report;
}
