import type { Shape2D } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { layerKernels } from './find-kernels.js';
import { gradual } from '../search/gradual.js';
import { sparsePhase, type Search } from '../search/phases.js';
import { sparsify, type ModelPruning } from './sparsify.js';
import {
  byAttention,
  byMagnitude,
  naiveMeanSquares,
  naiveTopK,
  randomTensor,
  values,
  zeroOutside,
} from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Sparse from the first step, so that a model is under its final mask at once. */
const sparseAtOnce: Search = { name: 'sparse at once', phases: [sparsePhase(1)], prunedWeights: 'masked' };

const target = { sparsity: 0.5, blockShape: [2, 3] as Shape2D, totalSteps: 100, minimumBlocks: 1 };

function sequential(inputShape: number[], ...layers: tf.layers.Layer[]): tf.LayersModel {
  const input = tf.input({ shape: inputShape });
  const output = layers.reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs: output });
}

const dense = (name: string, units: number) =>
  tf.layers.dense({ name, units, biasInitializer: 'randomNormal' });

interface Kind {
  build: () => tf.LayersModel;
  input: number[];
  /** Each kernel's matrix, from the layer's settings by hand. No size but the embedding's divides by [2, 3]. */
  kernels: Record<string, Shape2D>;
}

const kinds: Record<string, Kind> = {
  dense: { build: () => sequential([5], dense('d', 7)), input: [2, 5], kernels: { 'd/kernel': [5, 7] } },
  'a convolution in one dimension': {
    build: () => sequential([6, 2], tf.layers.conv1d({ name: 'c', filters: 5, kernelSize: 3 })),
    input: [2, 6, 2],
    kernels: { 'c/kernel': [3 * 2, 5] },
  },
  'a convolution in two': {
    build: () => sequential([4, 4, 3], tf.layers.conv2d({ name: 'c', filters: 5, kernelSize: [3, 1] })),
    input: [1, 4, 4, 3],
    kernels: { 'c/kernel': [3 * 1 * 3, 5] },
  },
  'a convolution in three': {
    build: () => sequential([3, 3, 3, 1], tf.layers.conv3d({ name: 'c', filters: 5, kernelSize: [1, 3, 3] })),
    input: [1, 3, 3, 3, 1],
    kernels: { 'c/kernel': [9, 5] },
  },
  'a transposed convolution, whose last axis is what goes in': {
    build: () => sequential([3, 3, 4], tf.layers.conv2dTranspose({ name: 'c', filters: 5, kernelSize: 3 })),
    input: [1, 3, 3, 4],
    kernels: { 'c/kernel': [3 * 3 * 5, 4] },
  },
  'a depthwise convolution': {
    build: () =>
      sequential([5, 5, 2], tf.layers.depthwiseConv2d({ name: 'c', kernelSize: 3, depthMultiplier: 2 })),
    input: [1, 5, 5, 2],
    kernels: { 'c/depthwiseKernel': [3 * 3, 2 * 2] },
  },
  'a separable convolution': {
    build: () =>
      sequential(
        [5, 5, 2],
        tf.layers.separableConv2d({ name: 'c', kernelSize: 3, filters: 4, depthMultiplier: 2 }),
      ),
    input: [1, 5, 5, 2],
    kernels: { 'c/depthwiseKernel': [3 * 3, 2 * 2], 'c/pointwiseKernel': [2 * 2, 4] },
  },
  'an embedding': {
    build: () => sequential([3], tf.layers.embedding({ name: 'e', inputDim: 8, outputDim: 6 })),
    input: [2, 3],
    kernels: { 'e/embeddings': [8, 6] },
  },
  'a simple recurrent layer': {
    build: () => sequential([2, 5], tf.layers.simpleRNN({ name: 'r', units: 4 })),
    input: [2, 2, 5],
    kernels: { 'r/kernel': [5, 4], 'r/recurrentKernel': [4, 4] },
  },
  'a GRU': {
    build: () => sequential([2, 5], tf.layers.gru({ name: 'r', units: 4 })),
    input: [2, 2, 5],
    kernels: { 'r/kernel': [5, 12], 'r/recurrentKernel': [4, 12] },
  },
  'an LSTM': {
    build: () => sequential([2, 5], tf.layers.lstm({ name: 'r', units: 4 })),
    input: [2, 2, 5],
    kernels: { 'r/kernel': [5, 16], 'r/recurrentKernel': [4, 16] },
  },
  'stacked recurrent cells': {
    build: () => {
      const cell = [
        tf.layers.simpleRNNCell({ name: 'a', units: 4 }),
        tf.layers.simpleRNNCell({ name: 'b', units: 3 }),
      ];
      return sequential(
        [2, 5],
        tf.layers.rnn({ name: 'r', cell: tf.layers.stackedRNNCells({ cells: cell }) }),
      );
    },
    input: [2, 2, 5],
    kernels: {
      'r/a/kernel': [5, 4],
      'r/a/recurrentKernel': [4, 4],
      'r/b/kernel': [4, 3],
      'r/b/recurrentKernel': [3, 3],
    },
  },
  'a bidirectional layer': {
    build: () =>
      sequential(
        [2, 5],
        tf.layers.bidirectional({
          name: 'b',
          layer: tf.layers.lstm({ name: 'r', units: 2 }) as tf.RNN,
          mergeMode: 'concat',
        }),
      ),
    input: [2, 2, 5],
    kernels: {
      'b/forward_r/kernel': [5, 8],
      'b/forward_r/recurrentKernel': [2, 8],
      'b/backward_r/kernel': [5, 8],
      'b/backward_r/recurrentKernel': [2, 8],
    },
  },
  'a time-distributed layer': {
    build: () => sequential([2, 5], tf.layers.timeDistributed({ name: 't', layer: dense('d', 4) })),
    input: [2, 2, 5],
    kernels: { 't/d/kernel': [5, 4] },
  },
  'models in a model, with layers of one name': {
    build: () => {
      const nested = (name: string, inputs: number, units: number) =>
        tf.sequential({ name, layers: [tf.layers.dense({ name: 'd', units, inputShape: [inputs] })] });
      const input = tf.input({ shape: [5] });
      const inner = nested('inner', 5, 4).apply(input) as tf.SymbolicTensor;
      return tf.model({ inputs: input, outputs: nested('second', 4, 3).apply(inner) as tf.SymbolicTensor });
    },
    input: [2, 5],
    kernels: { 'inner/d/kernel': [5, 4], 'second/d/kernel': [4, 3] },
  },
};

function inputOf({ input }: Kind, name: string): tf.Tensor {
  return name === 'an embedding' ? tf.tensor2d([0, 3, 7, 5, 0, 1], [2, 3]) : randomTensor(input, 11);
}

describe.each(Object.entries(kinds))('the kernels of %s', (name, kind) => {
  it('are found, as matrices cut into blocks with ragged edges', async () => {
    const pruning = await sparsify(kind.build(), byMagnitude(), target);
    const found = Object.fromEntries(pruning.kernels.map((kernel) => [kernel.name, kernel.grid]));
    expect(Object.fromEntries(Object.entries(found).map(([of, grid]) => [of, grid.matrixShape]))).toEqual(
      kind.kernels,
    );
    for (const [of, [n, m]] of Object.entries(kind.kernels)) {
      expect(found[of]?.gridShape).toEqual([Math.ceil(n / 2), Math.ceil(m / 3)]);
    }
  });

  it('are what the model computes with, masked: as a model whose weights are zeroed by hand', async () => {
    const [model, twin] = [kind.build(), kind.build()];
    // Not as initialised: the blocks of an orthogonal kernel all have the same mean square.
    model.setWeights(model.getWeights().map(({ shape }, i) => randomTensor(shape, i + 1)));
    twin.setWeights(model.getWeights());
    for (const { name: of, variable } of layerKernels(twin)) {
      const matrix = kind.kernels[of] as Shape2D;
      const plain = values(variable);
      const means = naiveMeanSquares(plain, matrix, [2, 3]);
      const mask = naiveTopK(means, Math.max(1, Math.round(means.length * 0.5)));
      variable.assign(tf.tensor(zeroOutside(plain, mask, matrix, [2, 3]), variable.shape));
    }
    const x = inputOf(kind, name);
    const dense = values(model.predict(x) as tf.Tensor);
    const pruning = await sparsify(model, byMagnitude(sparseAtOnce), target);
    const sparse = values(model.predict(x) as tf.Tensor);
    expect(sparse).toEqual(values(twin.predict(x) as tf.Tensor));
    expect(sparse).not.toEqual(dense);
    await pruning.finalize();
    expect(values(model.predict(x) as tf.Tensor)).toEqual(sparse);
    expect(model.getWeights().map(values)).toEqual(twin.getWeights().map(values));
  });

  it('are computed with as they were, to the last bit, when attention begins, and the logits train', async () => {
    const model = kind.build();
    const x = inputOf(kind, name);
    const before = values(model.predict(x) as tf.Tensor);
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const pruning: ModelPruning = await sparsify(model, byAttention(), target);
    expect(values(model.predict(x) as tf.Tensor)).toEqual(before);
    await model.trainOnBatch(x, randomTensor((model.predict(x) as tf.Tensor).shape, 12));
    for (const kernel of pruning.kernels) {
      if (kernel.grid.blocks > 1)
        expect(
          values(kernel.trainables['logits'] as tf.Variable).some((l) => l !== 0),
          kernel.name,
        ).toBe(true);
    }
  });

  it('have names of their own, so that a stored state tells them apart', async () => {
    const pruning = await sparsify(kind.build(), byMagnitude(gradual()), target);
    expect(Object.keys(pruning.state().masks)).toHaveLength(pruning.kernels.length);
  });
});

describe('frozen layers', () => {
  const frozen: Record<string, () => tf.layers.Layer> = {
    dense: () => dense('frozen', 4),
    'a recurrent layer': () => tf.layers.simpleRNN({ units: 4, returnSequences: true }),
    'a bidirectional layer': () =>
      tf.layers.bidirectional({
        layer: tf.layers.gru({ units: 4, returnSequences: true }) as tf.RNN,
        mergeMode: 'sum',
      }),
    'a time-distributed layer': () => tf.layers.timeDistributed({ layer: dense('inner', 4) }),
    'a nested model': () => tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [2, 5] })] }),
  };

  it.each(Object.entries(frozen))('are left as they are: %s', async (_, make) => {
    const layer = make();
    const model = sequential([2, 5], layer, dense('live', 6));
    layer.trainable = false;
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
    const before = layer.getWeights().map(values);
    const pruning = await sparsify(model, byAttention(), { ...target, totalSteps: 2 });
    expect(pruning.kernels.map(({ name }) => name)).toEqual(['live/kernel']);
    await model.fit(randomTensor([4, 2, 5]), randomTensor([4, 2, 6]), {
      epochs: 2,
      callbacks: pruning.callback(),
      verbose: 0,
    });
    await pruning.finalize();
    expect(layer.getWeights().map(values)).toEqual(before);
  });

  it('cannot be all that there is', async () => {
    const model = sequential([5], dense('d', 7));
    for (const layer of model.layers) layer.trainable = false;
    await expect(sparsify(model, byMagnitude(), target)).rejects.toThrow(
      'There is no trainable kernel to prune: build the model, or unfreeze a layer with a kernel',
    );
  });
});

describe('a layer used twice', () => {
  it('is pruned once, and trains by both uses', async () => {
    const shared = dense('d', 6);
    const input = tf.input({ shape: [6] });
    const model = tf.model({
      inputs: input,
      outputs: shared.apply(shared.apply(input)) as tf.SymbolicTensor,
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const pruning = await sparsify(model, byAttention(), { ...target, totalSteps: 4 });
    expect(pruning.kernels).toHaveLength(1);
    await model.fit(randomTensor([4, 6]), randomTensor([4, 6]), {
      epochs: 4,
      callbacks: pruning.callback(),
      verbose: 0,
    });
    expect((await pruning.finalize()).achieved.prunedLayers).toBe(0.5);
  });
});
