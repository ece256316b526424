import { placePhases, sparsify, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import ihtByDefault, { iht, type IhtSettings } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[]) => numbers.map((v) => expect.closeTo(v, 5));

/** Gradient descent at η = 0.25 on `½ ‖W − goal‖²`, whose gradient is `W − goal`; the weights before each step. */
async function descend(start: number[], goal: number[], settings: IhtSettings, totalSteps: number) {
  const w = tf.variable(tf.tensor2d([start]));
  const optimizer = tf.train.sgd(0.25);
  const target: Target = { sparsity: 0.5, blockShape: [1, 2], totalSteps, minimumBlocks: 1 };
  const pruning = await sparsify({ w }, iht(settings), { ...target, optimizer });
  const seen: number[][] = [];
  const loss = () => pruning.weight('w').sub([goal]).square().sum().mul(0.5) as tf.Scalar;
  for (let step = 0; step < totalSteps; step++) {
    seen.push(values(tf.tidy(() => pruning.weight('w'))));
    optimizer.minimize(loss, false, [w]);
    await pruning.step();
  }
  await pruning.finalize();
  return { seen, end: values(w) };
}

describe('iterative hard thresholding', () => {
  // Two blocks of two, one to keep. W ← top(W − (W − goal) / 4).
  const [start, goal] = [
    [4, 0, 0, 0],
    [0, 0, 16, 0],
  ];

  it('is W ← top_k(W − η∇L) at every step: what is pruned starts from zero each time', async () => {
    // [4, 0 | 0, 0] → [3, 0 | 4, 0], whose second block is kept: → [0, 0 | 7, 0] → [0, 0 | 9.25, 0].
    const { seen, end } = await descend(start as number[], goal as number[], { everySteps: 1 }, 3);
    expect(seen).toEqual([
      [4, 0, 0, 0],
      [0, 0, 4, 0],
      [0, 0, 7, 0],
    ]);
    expect(end).toEqual(close([0, 0, 9.25, 0]));
  });

  it('keeps a block whose norm a single gradient step does not reach', async () => {
    // The step brings the second block to 3.9 at most, and every time anew, for the first is at 4 already.
    const { seen } = await descend([4, 0, 0, 0], [4, 0, 15.6, 0], { everySteps: 1 }, 4);
    expect(seen).toEqual(Array(4).fill([4, 0, 0, 0]));
  });

  it('every T steps lets the pruned blocks gather T gradient steps of the masked network', async () => {
    // The second block's gradient stays −15.6: after two steps it is at 7.8, and is kept.
    const { seen } = await descend([4, 0, 0, 0], [4, 0, 15.6, 0], { everySteps: 2 }, 4);
    expect(seen).toEqual([
      [4, 0, 0, 0],
      [4, 0, 0, 0],
      close([0, 0, 7.8, 0]),
      close([0, 0, 9.75, 0]), // 7.8 + (15.6 − 7.8) / 4
    ]);
  });

  it.each([
    [1, null],
    [2, 7.8],
    [3, 11.7],
    [4, 15.6],
    [9, 15.6],
  ])('every 4 steps chooses by the last %s alone', async (gather, entered) => {
    // A quarter of 15.6 a step: one does not reach the first block, which is at 4 throughout, two do.
    const { seen } = await descend([4, 0, 0, 0], [4, 0, 15.6, 0], { everySteps: 4, gather }, 9);
    const unmoved = [4, 0, 0, 0];
    expect(seen.slice(0, 4)).toEqual(Array(4).fill(unmoved));
    expect(seen[4]).toEqual(entered === null ? unmoved : close([0, 0, entered, 0]));
    if (entered === null) expect(seen[8]).toEqual(unmoved);
  });

  it('between choices is the plain network of its support, pruned blocks at zero until they gather', async () => {
    const w = tf.variable(tf.tensor2d([[4, 0, 1, 1]]));
    const optimizer = tf.train.momentum(0.1, 0.9);
    const target: Target = { sparsity: 0.5, blockShape: [1, 2], totalSteps: 11, minimumBlocks: 1 };
    const pruning = await sparsify({ w }, iht({ everySteps: 5, gather: 2 }), { ...target, optimizer });
    const outside: boolean[] = [];
    for (let step = 0; step < 9; step++) {
      optimizer.minimize(
        () =>
          pruning
            .weight('w')
            .sub([[9, 9, 1, 1]])
            .square()
            .sum() as tf.Scalar,
        false,
        [w],
      );
      await pruning.step();
      outside.push(
        values(w)
          .slice(2)
          .some((v) => v !== 0),
      );
    }
    // After steps 3 and 8 what was gathered is forgotten; after 5 and 10 blocks are chosen.
    expect(outside).toEqual([true, true, false, true, false, true, true, false, true]);
    pruning.abandon();
  });

  it('thresholds from the first step to the last, unless a dense start or a fixed end is asked for', () => {
    const starts = (settings: IhtSettings) =>
      placePhases(iht({ everySteps: 5, ...settings }).search.phases, 100).map(({ phase, start }) => [
        phase.name,
        start,
      ]);
    expect(starts({})).toEqual([['thresholding', 0]]);
    expect(starts({ dense: 0.2, fineTuning: 0.3 })).toEqual([
      ['dense', 0],
      ['thresholding', 20],
      ['sparse', 70],
    ]);
    expect(iht().search).toMatchObject({ prunedWeights: 'erased', gradient: 'all' });
  });

  it.each([1, 3])(
    'keeps k blocks of a ragged kernel, and no tensor of a step, for T = %s',
    async (everySteps) => {
      const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
      });
      model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
      const pruning = await sparsify(model, iht({ everySteps }), {
        sparsity: 0.6,
        blockShape: [2, 3],
        totalSteps: 20,
        minimumBlocks: 1,
      });
      const x = tf.randomNormal([8, 9], 0, 1, 'float32', 1);
      const y = tf.randomNormal([8, 7], 0, 1, 'float32', 2);
      const held: number[] = [];
      for (let step = 0; step < 20; step++) {
        await model.trainOnBatch(x, y);
        await pruning.step();
        held.push(tf.memory().numTensors);
        expect(pruning.kernels[0]?.kept).toBe(6); // of 5 × 3 blocks round(15 · 0.4)
      }
      expect(new Set(held).size).toBe(1);
      expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 15, keptBlocks: 6 });
    },
  );

  it('is the default export, and says what it is and how it was set', () => {
    expect(ihtByDefault).toBe(iht);
    expect(iht({ everySteps: 10 })).toMatchObject({
      name: 'iht',
      settings: { everySteps: 10, gather: 50, dense: 0, fineTuning: 0 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    for (const everySteps of [0, 2.5, Number.NaN]) {
      expect(() => iht({ everySteps })).toThrow(
        `everySteps = ${everySteps} is not a whole number of at least 1`,
      );
    }
    for (const gather of [0, 1.5, Number.NaN]) {
      expect(() => iht({ gather })).toThrow(`gather = ${gather} is not a whole number of at least 1`);
    }
    expect(() => iht({ dense: -0.1 })).toThrow('dense = -0.1 and fineTuning = 0 must be from 0');
    expect(() => iht({ dense: 0.5, fineTuning: 0.5 })).toThrow('dense = 0.5 and fineTuning = 0.5');
  });
});
