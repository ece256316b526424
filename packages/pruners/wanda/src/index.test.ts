import { placePhases, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import wandaByDefault, { wanda } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Four inputs, three outputs; what the scores are is worked out beside each test. */
const W = [
  [4, 3, -3],
  [0, -2, 1],
  [1, -1, 0],
  [-1, -3, 2],
];
const NORMS = [1, 2, 8, 3];

/** Inputs whose features have these norms. */
const inputs = () => tf.tensor2d([NORMS.map((norm) => 0.6 * norm), NORMS.map((norm) => -0.8 * norm)]);

async function pruned(blockShape: [number, number], sparsity: number): Promise<number[]> {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 3, inputShape: [4], useBias: false })],
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  model.setWeights([tf.tensor2d(W)]);
  const calibration = inputs();
  const target = { sparsity, blockShape, totalSteps: 1, minimumBlocks: 1, calibration };
  const pruning = await sparsify(model, wanda({ fineTuning: 0 }), target);
  await pruning.finalize();
  return Array.from(model.getWeights()[0]!.dataSync(), (w) => w + 0);
}

describe('wanda', () => {
  it('keeps the weights that are largest times the norm of their input', async () => {
    // |W| · ‖X‖: 4 3 3; 0 4 2; 8 8 0; 3 9 6. The six largest: 9, 8, 8, 6, then the first of 4 and 4.
    expect(await pruned([1, 1], 0.5)).toEqual([4, 0, 0, 0, -2, 0, 1, -1, 0, 0, -3, 2]);
  });

  it('scores a block by the root mean square of these', async () => {
    // Squares of rows of three: 34, 20, 128 and 126; by the weights alone the first row is the largest.
    expect(await pruned([1, 3], 0.5)).toEqual([0, 0, 0, 0, 0, 0, 1, -1, 0, -1, -3, 2]);
    // Columns: 16 + 0 + 64 + 9 = 89, 9 + 16 + 64 + 81 = 170, 9 + 4 + 0 + 36 = 49.
    expect(await pruned([4, 1], 0.6)).toEqual([0, 3, 0, 0, -2, 0, 0, -1, 0, 0, -3, 0]);
  });

  it('trains dense, prunes once, and fine-tunes for a tenth of training, or not at all', () => {
    const phases = (pruner: ReturnType<typeof wanda>) =>
      placePhases(pruner.search.phases, 100).map(({ phase, start, end }) => [phase.name, start, end]);
    expect(phases(wanda())).toEqual([
      ['dense', 0, 90],
      ['sparse', 90, 100],
    ]);
    expect(phases(wanda({ fineTuning: 0 }))).toEqual([['dense', 0, 100]]);
  });

  it('measures the inputs when it chooses, by the weights of then', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 2, inputShape: [1], useBias: false, name: 'first' }),
        tf.layers.dense({ units: 2, useBias: false, name: 'second' }),
      ],
    });
    model.setWeights([
      tf.tensor2d([[1, 2]]),
      tf.tensor2d([
        [3, 1],
        [2, 1],
      ]),
    ]);
    const pruning = await sparsify(model, wanda({ fineTuning: 0.5 }), {
      ...{ sparsity: 0.75, blockShape: [1, 1], totalSteps: 2, minimumBlocks: 1, optimizer: null },
      ...{ calibration: tf.ones([5, 1]), kernels: (name: string) => name === 'second/kernel' },
    });
    // The scores of the second were 3, 1, 4, 2 (times √5); after a step that turns the first around they are 6, 2, 2, 1.
    model.layers[0]!.setWeights([tf.tensor2d([[2, 1]])]);
    await pruning.step();
    expect([...pruning.kernels[0]!.mask]).toEqual([1, 0, 0, 0]);
    pruning.abandon();
  });

  it('wants inputs', async () => {
    const w = tf.variable(tf.ones([2, 2]));
    const target = {
      sparsity: 0.5,
      blockShape: [1, 1],
      totalSteps: 2,
      minimumBlocks: 1,
      optimizer: null,
    } as const;
    await expect(sparsify({ w }, wanda(), target)).rejects.toThrow(
      "wanda: the importance 'weight times input norm' scores by what comes to the layers",
    );
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(wandaByDefault).toBe(wanda);
    expect(wanda({ fineTuning: 0.2 })).toMatchObject({ name: 'wanda', settings: { fineTuning: 0.2 } });
  });

  it.each([1, -0.5, Number.NaN])('refuses to fine-tune for a share of %s', (fineTuning) => {
    expect(() => wanda({ fineTuning })).toThrow(
      `wanda(): fineTuning = ${fineTuning}, and is to be a share of training, a number in [0, 1)`,
    );
  });
});
