import { placePhases, sparsify, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import groupLassoByDefault, { groupLasso } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[], digits = 5) => numbers.map((v) => expect.closeTo(v, digits));

const target: Target = { sparsity: 0.5, blockShape: [1, 2], totalSteps: 4, minimumBlocks: 1 };

describe("group LASSO's proximal step", () => {
  it('is the group soft threshold at ηλ: [3, 4] at 1 becomes [2.4, 3.2], a block within it zero', async () => {
    const w = tf.variable(tf.tensor2d([3, 4, 0.6, 0.7, 0, 0, -3, 4], [2, 4]));
    const pruning = await sparsify({ w }, groupLasso({ lambda: 4, final: 'learned' }), {
      ...target,
      optimizer: tf.train.sgd(0.25),
    });
    await pruning.step();
    expect(values(w)).toEqual(close([2.4, 3.2, 0, 0, 0, 0, -2.4, 3.2]));
    await pruning.step();
    expect(values(w)).toEqual(close([1.8, 2.4, 0, 0, 0, 0, -1.8, 2.4]));
  });

  it('leaves the blocks over λ shrunk by λ, and no other, where the loss is ½ ‖W − goal‖²', async () => {
    // Of the minimum in closed form: each block is the group soft threshold of its goal at λ = 2.
    const w = tf.variable(tf.zeros<tf.Rank.R2>([2, 4]));
    const goal = [3, 4, 1, 1.5, 0, 6, -1, 0.5];
    const optimizer = tf.train.sgd(0.5);
    const pruner = groupLasso({ lambda: 2, final: 'learned' });
    const pruning = await sparsify({ w }, pruner, { ...target, totalSteps: 60, optimizer });
    const loss = () =>
      pruning
        .weight('w')
        .sub(tf.tensor2d(goal, [2, 4]))
        .square()
        .sum()
        .mul(0.5) as tf.Scalar;
    for (let step = 0; step < 60; step++) {
      optimizer.minimize(loss, false, [w]);
      await pruning.step();
    }
    const { pruned } = await pruning.finalize();
    // (1 − 2/5) [3, 4] and (1 − 2/6) [0, 6]; √3.25 = 1.80 and √1.25 = 1.12 are under 2.
    expect(values(w)).toEqual(close([1.8, 2.4, 0, 0, 0, 4, 0, 0], 4));
    expect(pruned[0]).toMatchObject({ keptBlocks: 2, targetBlocks: 2, blocks: 4 });
  });

  it('follows the learning rate that the optimiser steps with', async () => {
    const w = tf.variable(tf.tensor2d([[3, 4]]));
    const optimizer = tf.train.sgd(0.25);
    const pruning = await sparsify({ w }, groupLasso({ lambda: 4, final: 'learned' }), {
      ...target,
      optimizer,
    });
    (optimizer as tf.SGDOptimizer).setLearningRate(0.5);
    await pruning.step();
    expect(values(w)).toEqual(close([1.8, 2.4])); // (1 − 2/5) [3, 4]
  });

  it('under momentum is as long as the step that the gradient of the same steps has made', async () => {
    // Under a gradient of 0 for two steps and λ = 4: η (1 + μ) λ = 0.1 · 1.5 · 4 = 0.6 in the second.
    const w = tf.variable(tf.tensor2d([[3, 4]]));
    const optimizer = tf.train.momentum(0.1, 0.5);
    const pruning = await sparsify({ w }, groupLasso({ lambda: 4, final: 'learned' }), {
      ...target,
      optimizer,
    });
    const lengths: number[] = [];
    for (let step = 0; step < 3; step++) {
      optimizer.minimize(() => pruning.weight('w').sum().mul(0) as tf.Scalar, false, [w]);
      await pruning.step();
      lengths.push(Math.hypot(...values(w)));
    }
    expect(lengths).toEqual(close([4.6, 4, 3.3])); // 5 − 0.4, − 0.6, − 0.7
  });

  it('is refused where there is no optimiser to tell how far it goes, and says what to do', async () => {
    const w = tf.variable(tf.tensor2d([[3, 4]]));
    const pruning = await sparsify({ w }, groupLasso(), { ...target, optimizer: null });
    await expect(pruning.step()).rejects.toThrow(
      "group-lasso takes a proximal step and needs to know how far the optimizer's own goes: pass it to sparsify()",
    );
  });
});

describe('group LASSO', () => {
  it('to the target stops shrinking there, and blocks of zeros that are kept grow back, those of largest gradient', async () => {
    // λ is so large that nothing is left by half of the four steps; then the gradients say which two blocks are kept.
    const w = tf.variable(tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1], [2, 4]));
    const optimizer = tf.train.sgd(0.25);
    const pruning = await sparsify({ w }, groupLasso({ lambda: 100 }), { ...target, optimizer });
    for (let step = 0; step < 4; step++) {
      const goal = tf.tensor2d([1, 1, 4, 4, 2, -1, 4, 4], [2, 4]);
      optimizer.minimize(() => pruning.weight('w').sub(goal).square().sum().mul(0.5) as tf.Scalar, false, [
        w,
      ]);
      await pruning.step();
      if (step === 1) expect(values(w)).toEqual(Array(8).fill(0));
    }
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ keptBlocks: 2, targetBlocks: 2 });
    // From 0 a quarter of the way to 4, twice: 1, then 1.75.
    expect(values(w)).toEqual(close([0, 0, 1.75, 1.75, 0, 0, 1.75, 1.75]));
  });

  it('keeps a block that has weights, however small, before one of zeros', async () => {
    const w = tf.variable(tf.tensor2d([0, 0, 0, 0, 1e-22, 0, 3, 4], [2, 4]));
    const optimizer = tf.train.sgd(0.25);
    const pruning = await sparsify({ w }, groupLasso({ lambda: 0 }), { ...target, optimizer });
    await pruning.finalize();
    expect(values(w)).toEqual([0, 0, 0, 0, Math.fround(1e-22), 0, 3, 4]);
  });

  it('prunes to the target at half of training, or where told; with the sparsity learned, never', () => {
    const starts = (...args: Parameters<typeof groupLasso>) =>
      placePhases(groupLasso(...args).search.phases, 100).map(({ phase, start }) => [phase.name, start]);
    expect(starts()).toEqual([
      ['dense', 0],
      ['sparse', 50],
    ]);
    expect(starts({ dense: 0.8 })[1]).toEqual(['sparse', 80]);
    expect(starts({ final: 'learned' })).toEqual([['dense', 0]]);
    expect(groupLasso({ final: 'learned' }).search.final).toBe('learned');
  });

  it.each([
    [groupLasso(), 6],
    [groupLasso({ lambda: 0, final: 'learned' }), 15],
    [groupLasso({ lambda: 1e3, final: 'learned' }), 0],
  ])('keeps the blocks it should of a ragged kernel, and no tensor of a step', async (pruner, kept) => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, pruner, {
      ...target,
      sparsity: 0.6,
      blockShape: [2, 3],
      totalSteps: 20,
    });
    const x = tf.randomNormal([8, 9], 0, 1, 'float32', 1);
    const y = tf.randomNormal([8, 7], 0, 1, 'float32', 2);
    const held: number[] = [];
    for (let step = 0; step < 20; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      held.push(tf.memory().numTensors);
    }
    // Besides, the mask's own, and the gradient that the blocks are chosen by.
    expect(Math.max(...held) - (held[0] as number)).toBeLessThanOrEqual(2);
    // 5 × 3 blocks; round(15 · 0.4) = 6.
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ targetBlocks: 6, keptBlocks: kept });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(groupLassoByDefault).toBe(groupLasso);
    expect(groupLasso({ lambda: 0.5 })).toMatchObject({
      name: 'group-lasso',
      settings: { lambda: 0.5, final: 'target', dense: 0.5 },
    });
    expect(groupLasso({ lambda: 0.5, final: 'learned' }).settings).toEqual({ lambda: 0.5, final: 'learned' });
  });

  it('refuses settings out of range, each by its value', () => {
    for (const lambda of [-0.1, Number.NaN, Infinity]) {
      expect(() => groupLasso({ lambda })).toThrow(`The penalty λ = ${lambda} is not a finite number from 0`);
    }
    expect(() => groupLasso({ dense: 1 })).toThrow(
      'dense = 1, and is to be a share of training, a number in (0, 1)',
    );
    expect(() => groupLasso({ final: 'end' as 'target' })).toThrow(
      "There is no end 'end': choose target or learned",
    );
  });
});
