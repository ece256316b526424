import { startBackend } from '@espalier/backend';
import { inMemory } from '@espalier/datasets';
import { adam, sgd } from '@espalier/optimizers';
import { classification, type Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { memoryStore } from '../store/memory.js';
import tiny from '../../test/tiny.js';
import { batchesOf } from './batches.js';
import { TrainingLoop } from './loop.js';

const backend = await startBackend('wasm');

const draws = (count: number, seed: number) => tf.randomNormal([count], 0, 1, 'float32', seed).dataSync();
const examples = inMemory(
  [{ shape: [6], type: 'float32', values: Float32Array.from(draws(40 * 6, 1)) }],
  { shape: [], type: 'int32', values: Int32Array.from({ length: 40 }, (_, i) => (7 * i) % 3) },
  Float32Array.from(draws(40, 2), Math.abs),
);
const batches = batchesOf({ seed: 0, epochs: 2 }, examples.count, 16);

const model = () => {
  const init = (seed: number) => tf.initializers.glorotUniform({ seed });
  const l2 = tf.regularizers.l2({ l2: 0.01 });
  return tf.sequential({
    layers: [
      tf.layers.dense({
        inputShape: [6],
        units: 8,
        activation: 'tanh',
        kernelInitializer: init(1),
        kernelRegularizer: l2,
      }),
      tf.layers.dense({ units: 3, kernelInitializer: init(2) }),
    ],
  });
};

/** Losses and weights of two epochs of two batches of 16 and one of 8. */
async function trained(optimizer: () => ReturnType<typeof sgd>, microBatchSize?: number) {
  const defaults = { ...tiny.defaults, ...(microBatchSize !== undefined && { microBatchSize }) };
  const workload: Workload = { ...tiny, task: classification, defaults, learningRate: () => 0.05 };
  const network = model();
  const store = memoryStore().trial('any');
  const own = optimizer();
  const subject = {
    trialId: 'any',
    workload,
    examples,
    batches,
    model: network,
    optimizer: own,
    pruning: null,
  };
  const loop = new TrainingLoop(subject, { backend, store });
  await loop.toTheEnd();
  const losses = (await store.metrics.read()).map(({ loss }) => loss);
  const weights = network.getWeights().flatMap((weight) => [...weight.dataSync()]);
  loop.dispose();
  own.dispose();
  network.dispose();
  return { losses, weights };
}

describe('a batch that is gone through in parts', () => {
  const optimizers = [
    ['sgd', () => sgd({ learningRate: 0.05, momentum: 0.9 })],
    ['adam', () => adam({ learningRate: 0.05 }) as unknown as ReturnType<typeof sgd>],
  ] as const;
  it.each(optimizers)('is one step of %s by the gradient of the whole', async (_, optimizer) => {
    const whole = await trained(optimizer);
    expect(whole.losses).toHaveLength(batches.totalSteps);
    // Parts of 5, 5, 5 and 1; of 16 at once; of one each.
    for (const size of [5, 16, 1]) {
      const parts = await trained(optimizer, size);
      parts.losses.forEach((loss, i) => expect(loss).toBeCloseTo(whole.losses[i]!, 5));
      parts.weights.forEach((weight, i) => expect(weight).toBeCloseTo(whole.weights[i]!, 4));
    }
  });

  it('leaves no tensor behind', async () => {
    const optimizer = () => sgd({ learningRate: 0.05, momentum: 0.9 });
    await trained(optimizer, 5);
    const before = tf.memory().numTensors;
    await trained(optimizer, 5);
    expect(tf.memory().numTensors).toBe(before);
  });
});
