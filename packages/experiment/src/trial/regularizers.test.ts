import { acdc } from '@espalier/acdc';
import { startBackend } from '@espalier/backend';
import { sparsify, type Pruner } from '@espalier/core';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { str } from '@espalier/str';
import { regression, type Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { memoryStore } from '../store/memory.js';
import tiny from '../../test/tiny.js';
import { batchesOf } from './batches.js';
import { disposeTensors, toTensors } from './stream.js';
import { TrainingLoop } from './loop.js';

const backend = await startBackend('wasm');
const { train: examples } = await tiny.load({ dataFolder: '', seed: 0 });
const batches = { ...batchesOf({ seed: 0, epochs: 4 }, examples.count, 32), totalSteps: 40 };

/** Two kernels, so that the first is regularized by L2 and the last by L1, and a bias. */
function model(regularized = true): tf.LayersModel {
  const { l1, l2 } = tf.regularizers;
  const init = (seed: number) => tf.initializers.glorotUniform({ seed });
  const of = (regularizer: object) => (regularized ? regularizer : {});
  return tf.sequential({
    layers: [
      tf.layers.dense({
        ...{ inputShape: [64], units: 64, activation: 'relu', kernelInitializer: init(1) },
        ...of({ kernelRegularizer: l2({ l2: 0.01 }), biasRegularizer: l2({ l2: 0.1 }) }),
      }),
      tf.layers.dense({
        ...{ units: 32, kernelInitializer: init(2) },
        ...of({ kernelRegularizer: l1({ l1: 1e-3 }) }),
      }),
    ],
  });
}

const workload: Workload = { ...tiny, learningRate: () => tiny.learningRate(0) };
const optimizerOf = () => tiny.optimizer();

async function pruned(network: tf.LayersModel, pruner: Pruner | null, optimizer: tf.Optimizer) {
  const target = { sparsity: 0.75, blockShape: [8, 8] as const, minimumBlocks: 8 };
  return pruner && sparsify(network, pruner, { ...target, totalSteps: batches.totalSteps, optimizer });
}

const weightsOf = (network: tf.LayersModel) =>
  network.weights.map((weight) => [...(weight.read() as tf.Tensor).dataSync()]);

/** As a trial's loop trains it. */
async function byTheLoop(pruner: Pruner | null, network = model()) {
  const optimizer = optimizerOf();
  const pruning = await pruned(network, pruner, optimizer);
  const store = memoryStore().trial('any');
  const subject = { trialId: 'any', workload, examples, batches, model: network, optimizer, pruning };
  const loop = new TrainingLoop(subject, { backend, store });
  await loop.toTheEnd();
  await pruning?.finalize();
  return { weights: weightsOf(network), losses: (await store.metrics.read()).map(({ loss }) => loss) };
}

/** As tfjs' own training does. */
async function byTfjs(pruner: Pruner | null) {
  const network = model();
  const optimizer = optimizerOf();
  const pruning = await pruned(network, pruner, optimizer);
  const loss = (targets: tf.Tensor, outputs: tf.Tensor) => regression.loss(outputs, targets);
  network.compile({ optimizer, loss });
  const losses: number[] = [];
  for (let step = 0; step < batches.totalSteps; step++) {
    const indices = batches.at(step);
    const tensors = toTensors(examples, await examples.gather(indices), 0, indices.length);
    losses.push((await network.trainOnBatch(tensors.inputs[0] as tf.Tensor, tensors.targets)) as number);
    disposeTensors(tensors);
    await pruning?.step();
  }
  await pruning?.finalize();
  return { weights: weightsOf(network), losses };
}

describe('regularizers of layers', () => {
  const pruners = [null, acdc(), str(), sequentialAttentionPlusPlus()];
  it.each(pruners.map((pruner) => [pruner?.name ?? 'dense', pruner] as const))(
    '%s: a trial trains the loss that model.fit trains, to the same bits',
    async (_, pruner) => {
      const ours = await byTheLoop(pruner);
      const theirs = await byTfjs(pruner);
      expect(ours.losses).toEqual(theirs.losses);
      expect(ours.weights).toEqual(theirs.weights);
      const without = await byTheLoop(pruner, model(false));
      expect(ours.losses[0]).toBeGreaterThan(without.losses[0]!);
      expect(ours.weights).not.toEqual(without.weights);
    },
  );
});
