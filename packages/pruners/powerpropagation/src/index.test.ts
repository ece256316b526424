import { alternating, placePhases, sparsify, type Pruner } from '@espalier/core';
import { centralDifferences } from '@espalier/pruner-conformance';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import powerpropagationByDefault, { powerpropagation, powerpropagationParameterisation } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[], digits = 5) => numbers.map((v) => expect.closeTo(v, digits));
const random = (shape: [number, number], seed: number) =>
  tf.randomNormal<tf.Rank.R2>(shape, 0, 1, 'float32', seed);

/** A variable under a strategy, in blocks of 1 × 2 unless said. */
async function prune(weight: tf.Tensor2D, pruner: Pruner, blockShape: [number, number] = [1, 2]) {
  const w = tf.variable(weight);
  const target = { sparsity: 0.5, blockShape, totalSteps: 10, minimumBlocks: 1, optimizer: null };
  return { w, pruning: await sparsify({ w }, pruner, target) };
}

describe('the effective weight', () => {
  it.each([
    ['block', 2, [15, 20]], // 5 · [3, 4]
    ['block', 3, [75, 100]], // 5² · [3, 4]
    ['elementwise', 2, [9, 16]],
    ['elementwise', 3, [27, 64]],
    ['block', 1, [3, 4]],
    ['elementwise', 1, [3, 4]],
  ] as const)('of V = [3, 4] is, by %s and α = %s, %j, and keeps the sign', async (form, alpha, expected) => {
    const { w, pruning } = await prune(tf.ones([2, 2]), powerpropagation({ form, alpha }));
    w.assign(tf.tensor2d([3, 4, -3, -4], [2, 2]));
    expect(values(tf.tidy(() => pruning.weight('w')))).toEqual(
      close([...expected, ...expected.map((v) => -v)]),
    );
  });

  it.each([
    ['block', [3, 4, -3, 4], [15, 20, -15, 20]],
    ['elementwise', [3, 4, -3, 4], [9, 16, -9, 16]],
  ] as const)('by %s starts at the plain one: V is its inverse', async (form, raw, plain) => {
    const { w } = await prune(tf.tensor2d([...plain], [2, 2]), powerpropagation({ form }));
    expect(values(w)).toEqual(close(raw));
  });

  it.each(['block', 'elementwise'] as const)(
    'by %s starts at the plain one for any α, ragged edges and blocks of zeros included',
    async (form) => {
      const plain = tf.tidy(() => random([5, 7], 1).mul<tf.Tensor2D>(tf.range(0, 5).reshape([5, 1])));
      for (const alpha of [1, 1.5, 2, 4]) {
        const { pruning } = await prune(plain, powerpropagation({ form, alpha }), [1, 3]);
        expect(values(tf.tidy(() => pruning.weight('w')))).toEqual(close(values(plain)));
      }
    },
  );

  it('at α = 1 is the plain weight bit by bit', async () => {
    for (const form of ['block', 'elementwise'] as const) {
      const { w, pruning } = await prune(random([5, 7], 1), powerpropagation({ form, alpha: 1 }), [2, 3]);
      expect(values(tf.tidy(() => pruning.weight('w')))).toEqual(values(random([5, 7], 1)));
      expect(values(w)).toEqual(values(random([5, 7], 1)));
    }
  });
});

describe('the gradient', () => {
  it.each([
    ['block', 2],
    ['block', 3.5],
    ['elementwise', 2],
    ['elementwise', 3.5],
  ] as const)('by V is that of finite differences (%s, α = %s)', async (form, alpha) => {
    const { w, pruning } = await prune(random([5, 4], 3), powerpropagation({ form, alpha }), [2, 3]);
    const goal = random([5, 4], 4);
    const loss = () => pruning.weight('w').sub(goal).square().sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [w]);
    const differences = centralDifferences(loss, w, 5e-3);
    const largest = Math.max(...differences.map(Math.abs));
    values(grads[w.name] as tf.Tensor).forEach((g, i) =>
      expect(Math.abs(g - (differences[i] as number)) / largest).toBeLessThan(2e-3),
    );
  });

  it.each([
    ['block', 1.1],
    ['block', 2],
    ['block', 4],
    ['elementwise', 1.1],
    ['elementwise', 2],
    ['elementwise', 4],
  ] as const)('is zero where the block is, and the block stays zero (%s, α = %s)', async (form, alpha) => {
    const { w, pruning } = await prune(tf.tensor2d([0, 0, 1, 2], [2, 2]), powerpropagation({ form, alpha }));
    const loss = () => pruning.weight('w').sub(3).square().sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [w]);
    const [first, second, ...others] = values(grads[w.name] as tf.Tensor);
    expect([first, second]).toEqual([0, 0]);
    expect(others.every((g) => Number.isFinite(g) && g !== 0)).toBe(true);
    tf.train.sgd(0.01).minimize(loss, false, [w]);
    expect(values(w).slice(0, 2)).toEqual([0, 0]);
  });
});

describe('powerpropagation', () => {
  it('trains dense for half of the steps, prunes once, and fine-tunes for the other half', () => {
    const placed = placePhases(powerpropagation().search.phases, 100);
    expect(placed.map(({ phase, start }) => [phase.name, start])).toEqual([
      ['dense', 0],
      ['sparse', 50],
    ]);
    expect(placePhases(powerpropagation({ dense: 0.8 }).search.phases, 100)[1]?.start).toBe(80);
  });

  it.each([
    ['in blocks', powerpropagation()],
    ['elementwise', powerpropagation({ form: 'elementwise' })],
    [
      "under AC/DC's search",
      {
        ...powerpropagation(),
        search: alternating(
          { warmUp: 0.2, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 },
          { prunedWeights: 'masked' },
        ),
      },
    ],
  ] as const)('%s keeps k blocks of a ragged kernel, and no tensor of a step', async (_, pruner) => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, pruner, {
      sparsity: 0.6,
      blockShape: [2, 3],
      totalSteps: 20,
      minimumBlocks: 1,
    });
    const [x, y] = [random([8, 9], 1), random([8, 7], 2)];
    const held: number[] = [];
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) {
      losses.push((await model.trainOnBatch(x, y)) as number);
      await pruning.step();
      held.push(tf.memory().numTensors);
    }
    expect(Math.max(...held) - (held[0] as number)).toBeLessThanOrEqual(1); // the mask's own
    expect(losses.every(Number.isFinite)).toBe(true);
    // 5 × 3 blocks; round(15 · 0.4) = 6.
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 15, keptBlocks: 6 });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(powerpropagationByDefault).toBe(powerpropagation);
    expect(powerpropagation({ alpha: 3 })).toMatchObject({
      name: 'powerpropagation',
      settings: { alpha: 3, form: 'block', dense: 0.5 },
    });
  });

  it.each([0.9, 0, -2, 65.5, 2 ** 32, Number.NaN, Infinity])('refuses α = %s', (alpha) => {
    const message = `The power α = ${alpha} is not a number from 1 to 65`;
    expect(() => powerpropagation({ alpha })).toThrow(message);
    expect(() => powerpropagationParameterisation({ alpha })).toThrow(message);
  });

  it('refuses a form that there is not, and a dense share out of range', () => {
    expect(() => powerpropagation({ form: 'blocks' as 'block' })).toThrow(
      "There is no form 'blocks': choose block or elementwise",
    );
    expect(() => powerpropagation({ dense: 1 })).toThrow(
      'dense = 1, and is to be a share of training, a number in (0, 1)',
    );
  });
});
