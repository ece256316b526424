/** On wasm with wasm-training, without BLAS, a dense layer's sparse phases come to the bits of masked products. */
import { startBackend } from '@espalier/backend';
import {
  alternatingWithSparsification,
  attention,
  keptBlocks,
  softmaxAttention,
  sparsify,
  type Pruner,
  type SparseExecution,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import { sparsePhases } from './index.js';
import { randomTensor } from './test-support.js';

beforeAll(async () => {
  await startBackend('wasm');
});

const pruner: Pruner = {
  name: 'attention-in-turns',
  description: 'softmax attention under the search of SequentialAttention++',
  source: 'this test',
  settings: {},
  parameterisation: softmaxAttention(),
  importance: attention(),
  search: alternatingWithSparsification({ warmUp: 0.1, cycles: 3, lastCycleExtension: 0.1, fineTuning: 0.2 }),
};

/** Deeper than what the dense product sums at a time, with ragged blocks, and batches that no tile divides. */
const [INPUTS, WIDTH, BATCH, STEPS] = [1003, 450, 13, 40];

async function train(blockShape: [number, number], execution: SparseExecution | null) {
  const layer = { activation: 'relu', kernelInitializer: 'zeros' } as const;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ ...layer, name: 'first', units: WIDTH, inputShape: [INPUTS] }),
      tf.layers.dense({ ...layer, name: 'second', units: WIDTH }),
      tf.layers.dense({ name: 'last', units: 3 }),
    ],
  });
  model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1).mul(0.1)));
  model.compile({ optimizer: tf.train.momentum(0.02, 0.9), loss: 'meanSquaredError' });
  let sparseCalls = 0;
  const counted: SparseExecution | null = execution && {
    callOf: (kernel) => {
      const call = execution.callOf(kernel);
      return (inputs, factors) => {
        const output = call?.(inputs, factors) ?? null;
        if (output) sparseCalls += 1;
        return output;
      };
    },
  };
  const target = { sparsity: 0.8, blockShape, totalSteps: STEPS, sparsePhases: counted };
  const pruning = await sparsify(model, pruner, target);
  const losses: number[] = [];
  const masks: string[] = [];
  for (let step = 0; step < STEPS; step++) {
    const [x, y] = [randomTensor([BATCH, INPUTS], 100 + step), randomTensor([BATCH, 3], 200 + step)];
    losses.push((await model.trainOnBatch(x, y)) as number);
    tf.dispose([x, y]);
    await pruning.step();
    masks.push(pruning.kernels.map(({ mask }) => mask.join('')).join(' '));
  }
  const kept = pruning.kernels.map(({ mask }) => keptBlocks(mask));
  await pruning.finalize();
  return { losses, masks, kept, sparseCalls, weights: model.getWeights().map(bytesOf) };
}

const bytesOf = (tensor: tf.Tensor) => new Uint8Array(tensor.dataSync<'float32'>().slice().buffer);

it.each([[[16, 16]], [[10, 10]], [[4, 4]], [[32, 7]]] as [[number, number]][])(
  'blocks of %j: the same losses, masks and weights, to the last bit',
  async (blockShape) => {
    const masked = await train(blockShape, null);
    const sparse = await train(blockShape, sparsePhases({ costs: 'always' }));
    expect(sparse.sparseCalls).toBeGreaterThan(STEPS / 2);
    expect(new Set(masked.masks).size).toBeGreaterThan(5);
    expect(sparse.masks).toEqual(masked.masks);
    expect(sparse.losses).toEqual(masked.losses);
    expect(Buffer.concat(sparse.weights).equals(Buffer.concat(masked.weights))).toBe(true);
  },
);
