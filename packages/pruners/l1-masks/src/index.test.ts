import { placePhases, sparsify, type Target } from '@espalier/core';
import { centralDifferences } from '@espalier/pruner-conformance';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import l1MasksByDefault, { l1Masks } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[], digits = 5) => numbers.map((v) => expect.closeTo(v, digits));
const random = (shape: [number, number], seed: number) =>
  tf.randomNormal<tf.Rank.R2>(shape, 0, 1, 'float32', seed);

/** A variable under ℓ1 masks, in blocks of 1 × 2 and at half of them unless said. */
async function prune(
  weight: tf.Tensor2D,
  settings: Parameters<typeof l1Masks>[0],
  target: Partial<Target> = {},
) {
  const w = tf.variable(weight);
  const pruning = await sparsify({ w }, l1Masks(settings), {
    sparsity: 0.5,
    blockShape: [1, 2],
    totalSteps: 4,
    minimumBlocks: 1,
    optimizer: tf.train.sgd(0.25),
    ...target,
  } as Target & { optimizer: tf.Optimizer });
  return { w, pruning, masks: pruning.addedVariables[0] as tf.Variable };
}

describe('the effective weight', () => {
  it('is each block of V times its mask, and starts at the plain weight bit by bit', async () => {
    const plain = values(random([5, 7], 1));
    const { w, pruning, masks } = await prune(random([5, 7], 1), {}, { blockShape: [2, 3] });
    expect(values(tf.tidy(() => pruning.weight('w')))).toEqual(plain);
    expect(values(w)).toEqual(plain);
    masks.assign(tf.tensor2d([0, 1, 2, 3, 4, 5, 6, 7, -1], [3, 3]));
    const expected = plain.map((v, i) => {
      const block = 3 * Math.floor(Math.floor(i / 7) / 2) + Math.floor((i % 7) / 3);
      return v * ([0, 1, 2, 3, 4, 5, 6, 7, -1][block] as number);
    });
    expect(values(tf.tidy(() => pruning.weight('w')))).toEqual(close(expected));
  });

  it('has the gradients of finite differences, by V and by the masks', async () => {
    const { w, pruning, masks } = await prune(random([5, 4], 3), {}, { blockShape: [2, 3] });
    masks.assign(random([3, 2], 5));
    const goal = random([5, 4], 4);
    const loss = () => pruning.weight('w').sub(goal).square().sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [w, masks]);
    const h = 1e-2;
    for (const variable of [w, masks]) {
      const differences = centralDifferences(loss, variable, h);
      const largest = Math.max(...differences.map(Math.abs));
      values(grads[variable.name] as tf.Tensor).forEach((gradient, i) =>
        expect(Math.abs(gradient - (differences[i] as number)) / largest).toBeLessThan(2e-3),
      );
    }
  });
});

describe("the penalty's proximal step", () => {
  it('takes ηλ from the size of each mask, to zero at most, and leaves V alone', async () => {
    const { w, pruning, masks } = await prune(tf.ones([2, 4]), { lambda: 2 });
    masks.assign(tf.tensor2d([3, -2, 0.4, -0.1], [2, 2]));
    await pruning.step(); // η λ = 0.5
    expect(values(masks)).toEqual(close([2.5, -1.5, 0, 0]));
    expect(values(w)).toEqual(Array(8).fill(1));
  });

  it('ends when the blocks are chosen', async () => {
    const { pruning, masks } = await prune(tf.ones([2, 4]), { lambda: 0.4 });
    const seen: number[][] = [];
    for (let step = 0; step < 4; step++) {
      await pruning.step();
      seen.push(values(masks).slice(0, 1));
    }
    expect(seen).toEqual([[0.9], [0.8], [0.8], [0.8]].map((row) => close(row)));
  });

  it('is refused where there is no optimiser to tell how far it goes', async () => {
    const { pruning } = await prune(tf.ones([2, 4]), {}, { optimizer: null });
    await expect(pruning.step()).rejects.toThrow(
      "l1-masks takes a proximal step and needs to know how far the optimizer's own goes",
    );
  });
});

describe('ℓ1 masks', () => {
  it('keeps the blocks of largest mask, whatever its sign and the weights', async () => {
    const { w, pruning, masks } = await prune(tf.tensor2d([1, 1, 9, 9, 1, 1, 9, 9], [2, 4]), { lambda: 0 });
    masks.assign(tf.tensor2d([3, 0.5, -2, 1], [2, 2]));
    await pruning.finalize();
    expect(values(w)).toEqual([3, 3, 0, 0, -2, -2, 0, 0]);
  });

  it('of masks at zero keeps those that the loss would have grow, and none before another mask', async () => {
    // ∂L/∂w_b = ⟨c_b, V_b⟩: 2, −1, 3 and −6; the last mask is not zero.
    const c = tf.tensor2d([1, 1, 2, -3, 2, 1, -3, -3], [2, 4]);
    for (const [sparsity, kept] of [
      [0.75, [3]],
      [0.5, [2, 3]],
      [0.25, [0, 2, 3]],
    ] as const) {
      const { w, pruning, masks } = await prune(tf.ones([2, 4]), { lambda: 0 }, { sparsity });
      masks.assign(tf.tensor2d([0, -0, 0, 1e-20], [2, 2]));
      const optimizer = tf.train.sgd(0);
      for (let step = 0; step < 2; step++) {
        optimizer.minimize(() => pruning.weight('w').mul(c).sum() as tf.Scalar, false, [w, masks]);
        await pruning.step();
      }
      expect(pruning.phase).toBe('sparse');
      expect(pruning.kernels[0]!.chosen).toEqual(
        Uint8Array.from([0, 1, 2, 3], (b) => +kept.includes(b as never)),
      );
      pruning.abandon();
    }
  });

  it('trains dense for half of the steps, prunes once, and fine-tunes for the other half', () => {
    const starts = (dense?: number) =>
      placePhases(l1Masks(dense ? { dense } : {}).search.phases, 100).map(({ phase, start }) => [
        phase.name,
        start,
      ]);
    expect(starts()).toEqual([
      ['dense', 0],
      ['sparse', 50],
    ]);
    expect(starts(0.8)[1]).toEqual(['sparse', 80]);
  });

  it('keeps k blocks of a ragged kernel, and no tensor of a step', async () => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, l1Masks(), {
      sparsity: 0.6,
      blockShape: [2, 3],
      totalSteps: 20,
      minimumBlocks: 1,
    });
    const [x, y] = [random([8, 9], 1), random([8, 7], 2)];
    const held: number[] = [];
    for (let step = 0; step < 20; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      held.push(tf.memory().numTensors);
    }
    // Besides, the mask's own, and the gradient that the blocks are chosen by.
    expect(Math.max(...held) - (held[0] as number)).toBeLessThanOrEqual(2);
    // 5 × 3 blocks; round(15 · 0.4) = 6.
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 15, keptBlocks: 6 });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(l1MasksByDefault).toBe(l1Masks);
    expect(l1Masks({ lambda: 0.5 })).toMatchObject({
      name: 'l1-masks',
      settings: { lambda: 0.5, dense: 0.5 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    for (const lambda of [-0.1, Number.NaN, Infinity]) {
      expect(() => l1Masks({ lambda })).toThrow(`The penalty λ = ${lambda} is not a finite number from 0`);
    }
    expect(() => l1Masks({ dense: 0 })).toThrow(
      'dense = 0, and is to be a share of training, a number in (0, 1)',
    );
  });
});
