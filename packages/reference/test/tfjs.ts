/** Trains a model of tfjs under a strategy, and keeps the record that the reference keeps. */
import { sparsify, type Allocation, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { Network } from '../src/network.js';
import { MOMENTUM, type OptimizerSettings } from '../src/optimizers.js';
import type { Batch, Moment } from '../src/train.js';
import { type Kind, modelOf } from './kinds.js';

export interface TfjsTraining {
  readonly kind: Kind;
  /** Whose parameters have the first weights. */
  readonly start: Network;
  readonly optimizer: OptimizerSettings;
  readonly batches: readonly Batch[];
  readonly calibration: Batch;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly allocation?: Allocation | undefined;
}

export interface TfjsRecord {
  readonly moments: readonly Moment[];
  readonly final: readonly ArrayLike<number>[];
}

function tfjsOptimizer({ name, learningRate }: OptimizerSettings): tf.Optimizer {
  if (name === 'momentum') return tf.train.momentum(learningRate, MOMENTUM);
  return tf.train[name](learningRate);
}

/** The model with the first weights, compiled. */
export function startModel({ kind, start, optimizer }: TfjsTraining): tf.LayersModel {
  const model = modelOf(kind);
  tf.tidy(() => {
    for (const { name, parameters } of start.layers) {
      if (parameters.length === 0) continue;
      model
        .getLayer(name)
        .setWeights(parameters.map(({ values, shape }) => tf.tensor(Float32Array.from(values), [...shape])));
    }
  });
  model.compile({ optimizer: tfjsOptimizer(optimizer), loss: 'meanSquaredError' });
  return model;
}

/** What the model's layers hold, in the order of the network's parameters. */
export function weightsOf(model: tf.LayersModel, { layers }: Network): Float32Array[] {
  return layers
    .filter(({ parameters }) => parameters.length > 0)
    .flatMap(({ name, parameters }) =>
      model
        .getLayer(name)
        .weights.slice(0, parameters.length)
        .map((weight) => tf.tidy(() => weight.read().dataSync<'float32'>().slice())),
    );
}

export async function trainTfjs(training: TfjsTraining, pruner: Pruner): Promise<TfjsRecord> {
  const { start, batches, sparsity, blockShape, allocation } = training;
  const calibration = tf.tensor([...training.calibration.x], [...training.calibration.shape]);
  const model = startModel(training);
  const pruning = await sparsify(model, pruner, {
    sparsity,
    blockShape,
    totalSteps: batches.length,
    minimumBlocks: 1,
    calibration,
    ...(allocation && { allocation }),
  });
  const kernelNames = start.kernels.map(({ name }) => name);
  const momentNow = (): Moment => {
    const weights = weightsOf(model, start).map((values) => Float64Array.from(values));
    pruning.kernels.forEach((kernel, i) => {
      const place = start.parameters.findIndex(({ name }) => name === kernelNames[i]);
      weights[place] = Float64Array.from(tf.tidy(() => kernel.effective().dataSync<'float32'>().slice()));
    });
    return { masks: pruning.kernels.map(({ mask }) => mask.join('')), weights };
  };
  const moments = [momentNow()];
  for (const { shape, x, y } of batches) {
    const tensors = [tf.tensor([...x], [...shape]), tf.tensor([...y], [shape[0], y.length / shape[0]])];
    await model.trainOnBatch(tensors[0], tensors[1]);
    tf.dispose(tensors);
    await pruning.step();
    moments.push(momentNow());
  }
  await pruning.finalize();
  const final = weightsOf(model, start);
  tf.dispose(calibration);
  model.dispose();
  return { moments, final };
}
