import { patternOf, TrainingMask } from '@espalier/blocks';
import {
  alternatingWithSparsification,
  attention,
  blockGrid,
  frobenius,
  keepAll,
  oneShot,
  softmaxAttention,
  sparsify,
  type Parameterisation,
  type Pruner,
  type SparseExecution,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { costsOf, sparseIsFaster } from './cost.js';
import { sparsePhases } from './sparse-phases.js';
import { randomTensor } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const plan = { warmUp: 0.2, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 };

const sequentialAttention: Pruner = {
  name: 'attention-in-turns',
  description: 'softmax attention under the search of SequentialAttention++',
  source: 'this test',
  settings: {},
  parameterisation: softmaxAttention(),
  importance: attention(),
  search: alternatingWithSparsification(plan),
};

/** `w = v·|v|`: a weight that is not linear in what trains. */
const squared: Parameterisation = {
  name: 'squared',
  raw: (weight) => weight.sign().mul(weight.abs().sqrt()),
  elementwise: (raw) => raw.mul(raw.abs()),
};

const pruners: Record<string, Pruner> = {
  'attention in turns': sequentialAttention,
  'a weight that is not linear': {
    ...sequentialAttention,
    parameterisation: squared,
    importance: frobenius,
    search: oneShot({ dense: 0.3 }),
  },
};

/** Convolutions, then dense layers, one with an activation that is fused and one with another. */
function network(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        name: 'strided',
        inputShape: [7, 6, 2],
        filters: 5,
        kernelSize: [3, 2],
        strides: 2,
        padding: 'same',
        activation: 'relu',
      }),
      tf.layers.conv2d({ name: 'plain', filters: 6, kernelSize: 2, padding: 'same' }),
      tf.layers.reshape({ targetShape: [12, 6] }),
      tf.layers.conv1d({ name: 'line', filters: 4, kernelSize: 3, activation: 'tanh', useBias: false }),
      tf.layers.dense({ name: 'each', units: 5, activation: 'relu' }),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'last', units: 3 }),
    ],
  });
  model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1)));
  model.compile({ optimizer: tf.train.momentum(0.02, 0.9), loss: 'meanSquaredError' });
  return model;
}

async function train(pruner: Pruner, execution: SparseExecution | null) {
  const model = network();
  const before = tf.memory().numTensors;
  const totalSteps = 20;
  const pruning = await sparsify(model, pruner, {
    sparsity: 0.7,
    blockShape: [3, 2],
    minimumBlocks: 1,
    totalSteps,
    sparsePhases: execution,
  });
  const x = randomTensor([4 * totalSteps, 7, 6, 2], 91);
  const y = randomTensor([4 * totalSteps, 3], 92);
  const masks: string[] = [];
  const record = new tf.CustomCallback({
    onBatchEnd: async () => void masks.push(pruning.kernels.map(({ mask }) => mask.join('')).join(' ')),
  });
  const { history } = await model.fit(x, y, {
    epochs: 1,
    batchSize: 4,
    shuffle: false,
    verbose: 0,
    callbacks: [pruning.callback(), record],
  });
  await pruning.finalize();
  tf.dispose([x, y]);
  return {
    masks,
    loss: history['loss']![0] as number,
    weights: model.getWeights().map((weight) => [...weight.dataSync()]),
    /** The optimiser's velocities stay, as they do without sparse phases. */
    tensors: tf.memory().numTensors - before,
  };
}

/** Counts the calls that were computed with the kept blocks. */
function counted(execution: SparseExecution) {
  const served: Record<string, number> = {};
  const counting: SparseExecution = {
    callOf: (kernel) => {
      const call = execution.callOf(kernel);
      return (inputs, factors) => {
        const output = call?.(inputs, factors) ?? null;
        if (output) served[kernel.layer.name] = (served[kernel.layer.name] ?? 0) + 1;
        return output;
      };
    },
  };
  return { counting, served };
}

describe.each(Object.entries(pruners))('sparse phases under %s', (_, pruner) => {
  it('give the same masks and weights as masked dense products, and leak nothing', async () => {
    const { counting, served } = counted(sparsePhases({ costs: 'always' }));
    const dense = await train(pruner, null);
    const sparse = await train(pruner, counting);
    expect(Object.keys(served).sort()).toEqual(['each', 'last', 'line', 'plain', 'strided']);
    expect(sparse.masks).toEqual(dense.masks);
    expect(sparse.tensors).toBe(dense.tensors);
    expect(sparse.loss).toBeCloseTo(dense.loss, 4);
    sparse.weights.forEach((weights, i) =>
      weights.forEach((weight, at) => expect(weight).toBeCloseTo(dense.weights[i]![at]!, 4)),
    );
  });
});

describe('what sparse phases do not serve', () => {
  const kernel = (layer: tf.layers.Layer, inputShape: number[], field = 'kernel') => {
    layer.build([null, ...inputShape]);
    const kernelShape = layer.weights[0]!.shape as number[];
    const grid = blockGrid([kernelShape.slice(0, -1).reduce((a, b) => a * b), kernelShape.at(-1)!], [1, 1]);
    return { layer, field, kernelShape, trainingMask: new TrainingMask(grid, keepAll(grid.blocks)) };
  };

  it.each([
    ['an embedding', () => kernel(tf.layers.embedding({ inputDim: 4, outputDim: 3 }), [2], 'embeddings')],
    [
      'a convolution with channels first',
      () => kernel(tf.layers.conv2d({ filters: 2, kernelSize: 2, dataFormat: 'channelsFirst' }), [3, 4, 4]),
    ],
    [
      'a causal convolution',
      () => kernel(tf.layers.conv1d({ filters: 2, kernelSize: 2, padding: 'causal' }), [4, 3]),
    ],
    [
      'a transposed convolution',
      () => kernel(tf.layers.conv2dTranspose({ filters: 2, kernelSize: 2 }), [4, 4, 3]),
    ],
  ])('%s stays dense', (_name, make) => {
    expect(sparsePhases({ costs: 'always' }).callOf(make())).toBeNull();
    tf.disposeVariables();
  });

  it('a layer whose class is derived from one that they serve stays dense', () => {
    const Dense = tf.layers.dense({ units: 3 }).constructor as new (args: object) => tf.layers.Layer;
    class Doubled extends Dense {}
    expect(sparsePhases({ costs: 'always' }).callOf(kernel(new Doubled({ units: 3 }), [4]))).toBeNull();
    tf.disposeVariables();
  });
});

it('sparse phases compute with whole numbers as the plain layer does', () => {
  const layer = tf.layers.dense({ units: 3 });
  const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], 'int32');
  layer.build([null, 4]);
  const kernelShape = [4, 3];
  const grid = blockGrid([4, 3], [2, 2]);
  const call = sparsePhases({ costs: 'always' }).callOf({
    layer,
    field: 'kernel',
    kernelShape,
    trainingMask: new TrainingMask(grid, keepAll(grid.blocks)),
  })!;
  const raw = layer.weights[0]!.read() as tf.Tensor2D;
  const sparse = call(x, () => ({ raw, elementwise: (weights) => weights, blockScale: null }))!;
  const dense = layer.call(x, {}) as tf.Tensor;
  [...dense.dataSync()].forEach((value, at) => expect(sparse.dataSync()[at]).toBeCloseTo(value, 5));
  tf.dispose([x, sparse, dense]);
  tf.disposeVariables();
});

describe('the choice between sparse and dense', () => {
  const keeping = (share: number, side = 16) => {
    const grid = blockGrid([256, 256], [side, side]);
    return patternOf(
      grid,
      Uint8Array.from({ length: grid.blocks }, (_, i) => Number(i < share * grid.blocks)),
    );
  };
  const costs = { perKeptWeight: () => 2, perStep: 3 * 128 * 256 * 256 * 0.1 };

  it('weighs the kept share, the price of a kept weight and that of a step', () => {
    expect(sparseIsFaster(128, keeping(0.44), costs)).toBe(true);
    expect(sparseIsFaster(128, keeping(0.46), costs)).toBe(false);
  });

  it('turns to dense where there are too few rows to pay for a step', () => {
    expect(sparseIsFaster(12, keeping(0), costs)).toBe(false);
    expect(sparseIsFaster(13, keeping(0), costs)).toBe(true);
  });

  it('asks for more where dense products are faster', () => {
    expect(sparseIsFaster(128, keeping(0.19), costs, 2)).toBe(true);
    expect(sparseIsFaster(128, keeping(0.21), costs, 2)).toBe(false);
    expect(() => sparsePhases({ denseSpeed: 0 })).toThrow('denseSpeed = 0 is not a number above 0');
  });

  it('weighs what is written of the whole kernel', () => {
    const whole = { ...costs, perStep: 0, perWeight: 3 * 128 * 0.1 };
    expect(sparseIsFaster(128, keeping(0.44), whole)).toBe(true);
    expect(sparseIsFaster(128, keeping(0.46), whole)).toBe(false);
    expect(sparseIsFaster(12, keeping(0), whole)).toBe(false);
    expect(sparseIsFaster(13, keeping(0), whole)).toBe(true);
  });

  it('knows that a BLAS computes both sides', () => {
    const blas = costsOf('wasm', 'blas')!;
    expect(sparseIsFaster(128, keeping(0.1, 32), blas)).toBe(true);
    expect(sparseIsFaster(128, keeping(0.1, 4), blas)).toBe(true);
    expect(sparseIsFaster(128, keeping(0.5, 4), blas)).toBe(false);
  });

  it('is sparse for a few rows, too, where the kernel is large', () => {
    const grid = blockGrid([2048, 2048], [32, 32]);
    const tenth = patternOf(
      grid,
      Uint8Array.from({ length: grid.blocks }, (_, i) => Number(i % 10 === 0)),
    );
    expect(sparseIsFaster(8, tenth, costsOf('wasm', 'blas')!)).toBe(true);
    expect(sparseIsFaster(8, keeping(0.1), costsOf('wasm', 'blas')!)).toBe(false);
  });

  it('is dense on a backend whose costs were not measured', () => {
    expect(costsOf('tensorflow')).toBeNull();
    expect(costsOf('tensorflow', 'blas')).toBeNull();
  });

  it('is dense on wasm for blocks too small to pay, sparse for large ones', () => {
    const wasm = costsOf('wasm')!;
    expect(wasm.perKeptWeight([32, 32])).toBeLessThan(wasm.perKeptWeight([4, 4]));
    expect(wasm.perKeptWeight([16, 5])).toBeGreaterThan(wasm.perKeptWeight([16, 8]));
  });
});
