import { placePhases, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import gmpByDefault, { gmp } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target = { sparsity: 0.9, blockShape: [1, 1] as const, minimumBlocks: 1, optimizer: null };

describe('gradual magnitude pruning', () => {
  it('has the cubic: 0.5203125, 0.7875 and 0.8859375 at the quarters for s = 0.9', () => {
    const curve = gmp().search.phases[1]?.curve as (p: number) => number;
    expect([0, 0.25, 0.5, 0.75, 1].map((p) => 0.9 * curve(p))).toEqual(
      [0, 0.5203125, 0.7875, 0.8859375, 0.9].map((s) => expect.closeTo(s, 12)),
    );
  });

  it('keeps 48, 21, 11 and 10 of 100 blocks then, those of largest norm', async () => {
    // Steps 0 to 3 are a quarter of the pruning each: 100 − 52.03, − 78.75, − 88.59, and 10 from step 4 on.
    const w = tf.variable(tf.range(1, 101).reshape([10, 10]));
    const pruning = await sparsify({ w }, gmp({ start: 0, end: 0.8 }), { ...target, totalSteps: 5 });
    const kept: number[][] = [];
    for (let step = 0; step < 5; step++) {
      const left = Array.from(tf.tidy(() => pruning.weight('w').dataSync())).filter((v) => v !== 0);
      kept.push([left.length, Math.min(...left)]);
      await pruning.step();
    }
    expect(kept).toEqual([
      [100, 1],
      [48, 53],
      [21, 80],
      [11, 90],
      [10, 91],
    ]);
  });

  it('prunes from 10% to 70% of training, or from start to end', () => {
    const starts = (...args: Parameters<typeof gmp>) =>
      placePhases(gmp(...args).search.phases, 100).map(({ phase, start }) => [phase.name, start]);
    expect(starts()).toEqual([
      ['dense', 0],
      ['sparsification', 10],
      ['sparse', 70],
    ]);
    expect(starts({ start: 0, end: 1 })).toEqual([['sparsification', 0]]);
  });

  it('chooses every so many steps, where told how many', async () => {
    const w = tf.variable(tf.range(1, 101).reshape([10, 10]));
    const pruner = gmp({ start: 0, end: 1, everySteps: 5 });
    const pruning = await sparsify({ w }, pruner, { ...target, totalSteps: 20 });
    const kept: (number | undefined)[] = [];
    for (let step = 0; step < 20; step++) {
      kept.push(pruning.kernels[0]?.kept);
      await pruning.step();
    }
    expect(kept).toEqual([100, 48, 21, 11].flatMap((k) => Array(5).fill(k)));
    expect((await pruning.finalize()).pruned[0]?.keptBlocks).toBe(10);
  });

  it('keeps k blocks of a ragged kernel, lets none back, and keeps no tensor of a step', async () => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, gmp(), {
      sparsity: 0.6,
      blockShape: [2, 3],
      totalSteps: 20,
      minimumBlocks: 1,
    });
    const x = tf.randomNormal([8, 9], 0, 1, 'float32', 1);
    const y = tf.randomNormal([8, 7], 0, 1, 'float32', 2);
    const held: number[] = [];
    let before = [...(pruning.kernels[0]?.mask ?? [])];
    for (let step = 0; step < 20; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      held.push(tf.memory().numTensors);
      const now = [...(pruning.kernels[0]?.mask ?? [])];
      expect(now.every((bit, block) => bit <= (before[block] as number))).toBe(true);
      before = now;
    }
    expect(Math.max(...held) - (held[0] as number)).toBeLessThanOrEqual(1); // the mask's own
    // 5 × 3 blocks; round(15 · 0.4) = 6.
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 15, keptBlocks: 6 });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(gmpByDefault).toBe(gmp);
    expect(gmp()).toMatchObject({ name: 'gmp', settings: { start: 0.1, end: 0.7, everySteps: 'gradually' } });
    expect(gmp({ everySteps: 50 }).settings).toMatchObject({ everySteps: 50 });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => gmp({ start: -0.1 })).toThrow('gradual(): start = -0.1, and is to be a share of training');
    expect(() => gmp({ start: 0.8 })).toThrow('gradual(): start = 0.8 is not before end = 0.7');
    for (const everySteps of [0, 2.5, Number.NaN]) {
      expect(() => gmp({ everySteps })).toThrow(
        `everySteps = ${everySteps} is not a whole number of at least 1`,
      );
    }
  });
});
