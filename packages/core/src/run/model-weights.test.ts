/** What a model's weights are to those outside, while a run holds them. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { chain } from '../chain.js';
import { softmaxAttention } from '../parameterisations.js';
import type { Parameterisation, Pruner } from '../pruner.js';
import { byAttention, byMagnitude, expectClose, randomTensor, strategies, values } from '../test-support.js';
import { sparsify } from './sparsify.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 20, minimumBlocks: 1 };
const spp = strategies['SequentialAttention++'] as Pruner;

function build(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 7, inputShape: [6], activation: 'tanh' }),
      tf.layers.dense({ units: 3 }),
    ],
  });
  tf.tidy(() =>
    model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1))),
  );
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
  return model;
}

/** A run in its midst, its logits away from where they start. */
async function midRun(pruner: Pruner, steps = 11, model: tf.LayersModel = build(), outer = model) {
  const pruning = await sparsify(model, pruner, { ...target, optimizer: outer.optimizer });
  const [x, y] = [randomTensor([8, 6], 7), randomTensor([8, 3], 8)];
  for (let step = 0; step < steps; step++) {
    await outer.trainOnBatch(x, y);
    await pruning.step();
  }
  return { model, pruning, x };
}

async function saved(model: tf.LayersModel, config?: tf.io.SaveConfig): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | null = null;
  await model.save(
    tf.io.withSaveHandler(async (given) => {
      artifacts = given;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
    config,
  );
  return artifacts!;
}

const loaded = ({ modelTopology, weightSpecs, weightData }: tf.io.ModelArtifacts) =>
  tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: JSON.parse(JSON.stringify(modelTopology)),
      weightSpecs: weightSpecs!,
      weightData: weightData!,
    }),
  );

/** A power of the weight: the raw weight is nowhere near the effective one. */
const cube: Parameterisation = {
  name: 'cube',
  raw: (weight) => weight.sign().mul(weight.abs().pow(1 / 3)),
  elementwise: (raw) => raw.mul(raw).mul(raw),
};

const everyPruner: Record<string, Pruner> = {
  ...strategies,
  cube: { ...byMagnitude(), parameterisation: cube },
  'attention of cubes': { ...byAttention(), parameterisation: chain(cube, softmaxAttention()) },
};

describe.each(Object.entries(everyPruner))('under %s', (_, pruner) => {
  it.each([0, 11, 20])('a file saved at step %i loads, and predicts the same', async (steps) => {
    const { model, x } = await midRun(pruner, steps);
    const again = await loaded(await saved(model));
    expectClose(values(again.predict(x) as tf.Tensor), values(model.predict(x) as tf.Tensor), 1e-6);
    expect(again.weights.length).toBe(4);
  });

  it('the weights that were read can be set again, and nothing changes', async () => {
    const { model, x, pruning } = await midRun(pruner);
    const before = values(model.predict(x) as tf.Tensor);
    const read = model.getWeights().map((weight) => weight.clone());
    const tensors = tf.memory().numTensors;
    model.setWeights(read);
    model.layers[0]!.setWeights(read.slice(0, 2));
    expect(tf.memory().numTensors).toBe(tensors);
    expectClose(values(model.predict(x) as tf.Tensor), before, 1e-5);
    await pruning.finalize();
  });

  it('other weights that are zero where blocks are pruned are what it computes with', async () => {
    const { model, pruning } = await midRun(pruner);
    const other = tf.tidy(() => model.getWeights().map((weight) => weight.mul(0.7).clone()));
    model.setWeights(other);
    model.getWeights().forEach((weight, i) => expectClose(values(weight), values(other[i]!), 1e-5));
    await pruning.finalize();
  });

  it('nothing is left of it afterwards', async () => {
    const { model, pruning } = await midRun(pruner, 20);
    model.getWeights();
    await pruning.finalize();
    expect(model.getWeights()).toEqual(model.weights.map((weight) => weight.read()));
    tf.tidy(() => model.setWeights(model.weights.map(({ shape }) => tf.ones(shape as number[]))));
    expect(values(model.getWeights()[0]!)).toEqual(new Array(42).fill(1));
  });
});

describe('weights that cannot be computed with', () => {
  it('in blocks that are pruned now are refused, and none is set', async () => {
    const { model, pruning } = await midRun(byMagnitude(), 11);
    const before = model.getWeights().map(values);
    const dense = tf.tidy(() =>
      build()
        .getWeights()
        .map((weight) => weight.clone()),
    );
    expect(() => model.setWeights(dense)).toThrow(
      /^\S+\/kernel cannot be set to these weights: they are not zero in blocks that are pruned now\. .*pruning\.resume/,
    );
    expect(() => model.setWeights(dense.slice(1))).toThrow(
      'takes 4 tensors, what getWeights() gives: it is given 3',
    );
    expect(() => model.setWeights([dense[2]!, ...dense.slice(1)])).toThrow(/has the shape \[6, 7\]/);
    expect(model.getWeights().map(values)).toEqual(before);
    await pruning.finalize();
  });

  it('that nothing comes to are refused', async () => {
    const squares: Parameterisation = { name: 'squares', elementwise: (raw) => raw.square() };
    const model = build();
    const positive = tf.tidy(() => model.getWeights().map((weight) => weight.abs().clone()));
    model.setWeights(positive);
    const pruning = await sparsify(model, { ...byMagnitude(), parameterisation: squares }, target);
    const negative = tf.tidy(() => positive.map((weight) => weight.neg().clone()));
    expect(() => model.setWeights(negative)).toThrow(
      /^\S+\/kernel cannot be set to these weights: nothing that its strategy trains comes to them/,
    );
    pruning.abandon();
  });
});

describe('a model around the one under pruning', () => {
  it('saves what the network computes with, in a file that loads', async () => {
    const backbone = build();
    const input = tf.input({ shape: [6] });
    const outer = tf.model({
      inputs: input,
      outputs: tf.layers.dense({ units: 3 }).apply(backbone.apply(input)) as tf.SymbolicTensor,
    });
    outer.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const { x } = await midRun(byMagnitude(), 11, backbone, outer);
    const again = await loaded(await saved(outer));
    expectClose(values(again.predict(x) as tf.Tensor), values(outer.predict(x) as tf.Tensor), 1e-6);
    expect(outer.getWeights().length).toBe(6);
  });
});

it('a recurrent layer of several cells reads its weights so too', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.rnn({
        cell: [tf.layers.gruCell({ units: 4 }), tf.layers.simpleRNNCell({ units: 4 })],
        inputShape: [3, 4],
      }),
    ],
  });
  const pruning = await sparsify(model, spp, { ...target, optimizer: null });
  tf.tidy(() =>
    pruning.addedVariables.forEach((logits, i) => logits.assign(randomTensor(logits.shape, i + 1))),
  );
  const x = randomTensor([2, 3, 4], 5);
  const again = await loaded(await saved(model));
  expectClose(values(again.predict(x) as tf.Tensor), values(model.predict(x) as tf.Tensor), 1e-6);
  pruning.abandon();
});

it('a copy of the topology takes the weights that were read', async () => {
  const { model, x } = await midRun(spp);
  const copy = await tf.models.modelFromJSON(model.toJSON(null, false) as never);
  copy.setWeights(model.getWeights());
  expectClose(values(copy.predict(x) as tf.Tensor), values(model.predict(x) as tf.Tensor), 1e-6);
});

it('the state of the optimiser is not saved beside weights that it does not belong to', async () => {
  const { model } = await midRun(spp);
  await expect(saved(model, { includeOptimizer: true })).rejects.toThrow('await pruning.checkpoint()');
});

it('only the trainable weights are saved where that is asked for', async () => {
  const { model } = await midRun(spp);
  const { weightSpecs } = await saved(model, { trainableOnly: true });
  expect(weightSpecs!.map(({ name }) => name.split('/').at(-1))).toEqual([
    'kernel',
    'bias',
    'kernel',
    'bias',
  ]);
});
