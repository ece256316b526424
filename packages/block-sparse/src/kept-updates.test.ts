/**
 * Runs on wasm in which the optimiser goes through the kept blocks alone, while nobody reads the rest: the same bits as
 * where each of its steps goes through whole weights.
 */
import { startBackend } from '@espalier/backend';
import {
  alternating,
  alternatingWithSparsification,
  attention,
  frobenius,
  gradual,
  identity,
  oneShot,
  softmaxAttention,
  sparsify,
  type ModelPruning,
  type Pruner,
  type SparseExecution,
} from '@espalier/core';
import { adam, sgd, type SlotOptimizer } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { sparsePhases } from './index.js';
import { randomTensor } from './test-support.js';

beforeAll(async () => {
  await startBackend('wasm');
});

const plan = { warmUp: 0.1, cycles: 2, lastCycleExtension: 0.1, fineTuning: 0.3 };
const byNorm: Pruner = {
  name: 'by norm',
  description: 'blocks of largest norm',
  source: 'this test',
  settings: {},
  parameterisation: identity,
  importance: frobenius,
  search: oneShot({ dense: 0.2 }),
};
const pruners: Record<string, Pruner> = {
  'one-shot': byNorm,
  'alternating, erased': { ...byNorm, search: alternating(plan) },
  'alternating, masked': { ...byNorm, search: alternating(plan, { prunedWeights: 'masked' }) },
  gradual: { ...byNorm, search: gradual() },
  'attention in turns': {
    ...byNorm,
    parameterisation: softmaxAttention(),
    importance: attention(),
    search: alternatingWithSparsification(plan),
  },
};
const optimizers: Record<string, () => SlotOptimizer & { learningRate: number }> = {
  momentum: () => sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-3 }),
  adam: () => adam({ learningRate: 0.01, weightDecay: 1e-3 }),
};
const executions: Record<string, SparseExecution | null> = {
  'kept blocks alone': sparsePhases({ costs: 'always' }),
  'masked products': null,
};

const [STEPS, BATCH] = [60, 5];

/** An optimiser that is not told where gradients are zero: it is given copies of them. */
function ofWholeWeights<T extends tf.Optimizer>(optimizer: T): T {
  const apply = optimizer.applyGradients.bind(optimizer);
  optimizer.applyGradients = (gradients) => {
    const list = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    tf.tidy(() =>
      apply(list.map(({ name, tensor }) => ({ name, tensor: tf.tensor(tensor.dataSync(), tensor.shape) }))),
    );
  };
  return optimizer;
}

async function begin(pruner: Pruner, execution: SparseExecution | null, optimizer: tf.Optimizer) {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [6, 5, 4], filters: 22, kernelSize: 3, activation: 'relu' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 70, activation: 'relu' }),
      tf.layers.dense({ units: 3 }),
    ],
  });
  tf.tidy(() =>
    model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1).mul(0.1))),
  );
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const target = {
    sparsity: 0.8,
    blockShape: [9, 8] as const,
    minimumBlocks: 9,
    totalSteps: STEPS,
    sparsePhases: execution,
  };
  return { model, pruning: await sparsify(model, pruner, target) };
}

async function train(
  model: tf.LayersModel,
  pruning: ModelPruning,
  optimizer: { learningRate: number },
  [from, to]: readonly [number, number],
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    optimizer.learningRate = 0.02 / (1 + Math.floor(step / 7));
    const [x, y] = [randomTensor([BATCH, 6, 5, 4], 100 + step), randomTensor([BATCH, 3], 200 + step)];
    losses.push((await model.trainOnBatch(x, y)) as number);
    tf.dispose([x, y]);
    await pruning.step();
  }
  return losses;
}

const bytesOf = (tensor: tf.Tensor) => Buffer.from(tensor.dataSync<'float32'>().slice().buffer);

const cases = Object.keys(pruners).flatMap((pruner) => [
  [pruner, 'momentum', 'kept blocks alone'] as const,
  [pruner, 'adam', 'masked products'] as const,
]);

describe.each(cases)('%s, %s, %s', (pruner, optimizer, execution) => {
  /** @param interruptedAt the step at which it is taken down, and gone on from with another model and optimiser */
  const run = async (make: () => SlotOptimizer & { learningRate: number }, interruptedAt = STEPS) => {
    const started = () => begin(pruners[pruner]!, executions[execution]!, make());
    let { model, pruning } = await started();
    let own = model.optimizer as SlotOptimizer & { learningRate: number };
    const letGo = () => {
      model.dispose();
      own.dispose();
    };
    const losses = await train(model, pruning, own, [0, interruptedAt]);
    if (interruptedAt < STEPS) {
      const checkpoint = await pruning.checkpoint();
      pruning.abandon();
      letGo();
      ({ model, pruning } = await started());
      own = model.optimizer as SlotOptimizer & { learningRate: number };
      await pruning.resume(checkpoint);
      losses.push(...(await train(model, pruning, own, [interruptedAt, STEPS])));
    }
    // What trains, and what is remembered of it.
    const slots = await own.getWeights();
    tf.dispose(slots.slice(0, 2).map(({ tensor }) => tensor));
    const raw = [
      ...model.weights.map((weight) => weight.read()),
      ...slots.slice(2).map(({ tensor }) => tensor),
    ];
    const state = raw.map(bytesOf);
    await pruning.finalize();
    state.push(...model.getWeights().map(bytesOf));
    letGo();
    return { losses, state: Buffer.concat(state) };
  };

  it('the bits of whole updates', async () => {
    const before = tf.memory().numTensors;
    const ours = await run(optimizers[optimizer]!);
    expect(tf.memory().numTensors).toBe(before);
    const whole = await run(() => ofWholeWeights(optimizers[optimizer]!()));
    expect(ours.losses).toEqual(whole.losses);
    expect(ours.state.equals(whole.state)).toBe(true);
    const resumed = await run(optimizers[optimizer]!, 47);
    expect(resumed.losses).toEqual(ours.losses);
    expect(resumed.state.equals(ours.state)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });
});
