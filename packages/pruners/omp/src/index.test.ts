import { placePhases, sparsify, type Pruner } from '@espalier/core';
import { adam, sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import ompByDefault, { omp, ompr } from './index.js';
import omprByDefault from './ompr.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const kept = (mask: ArrayLike<number> = []) => Array.from(mask).flatMap((bit, block) => (bit ? [block] : []));

/** Sylvester's 8 × 8 matrix with orthonormal columns. */
function orthonormal(): number[][] {
  const bits = (i: number, j: number) => [1, 2, 4].filter((bit) => i & j & bit).length;
  return Array.from({ length: 8 }, (_, i) =>
    Array.from({ length: 8 }, (_, j) => (bits(i, j) % 2 === 0 ? 1 : -1) / Math.sqrt(8)),
  );
}

/** Trains ½ ‖X W − Y‖² by plain gradient steps, and gives the support after each phase and the weights at the end. */
async function leastSquares(
  pruner: Pruner,
  {
    x,
    y,
    start,
    block,
    sparsity,
    steps,
    rate,
  }: {
    x: number[][];
    y: number[][];
    start: tf.Tensor2D;
    block: [number, number];
    sparsity: number;
    steps: number;
    rate: number;
  },
) {
  const [design, answers, w] = [tf.tensor2d(x), tf.tensor2d(y), tf.variable(start)];
  const optimizer = tf.train.sgd(rate);
  const target = { sparsity, blockShape: block, totalSteps: steps, minimumBlocks: 1, optimizer } as const;
  const pruning = await sparsify({ w }, pruner, target);
  const supports = [kept(pruning.kernels[0]?.chosen)];
  const loss = () =>
    design
      .matMul(pruning.weight('w') as tf.Tensor2D)
      .sub(answers)
      .square()
      .sum()
      .div<tf.Scalar>(2);
  for (let step = 0; step < steps; step++) {
    optimizer.minimize(loss, false, [w]);
    await pruning.step();
    const now = kept(pruning.kernels[0]?.chosen);
    if (String(now) !== String(supports.at(-1))) supports.push(now);
  }
  await pruning.finalize();
  return { supports, weights: w.arraySync() as number[][] };
}

describe('OMP', () => {
  it('on an orthogonal design takes the blocks of the true support, the largest first, and fits them', async () => {
    // With XᵀX = 1 the gradient at a block outside the support is −W*_b: blocks join in the order of their norms,
    // here √8 = 2.83 (block 3, [2, 2, 0, 0]), 2 (block 4) and 1 (block 1); the other five blocks are zero.
    const truth = new Array<number[]>(8).fill([]).map(() => [0, 0, 0, 0]);
    (truth[2] as number[]).splice(2, 2, 2, 2); // rows 2 and 3, columns 2 and 3
    (truth[4] as number[]).splice(0, 2, 0, 2);
    (truth[1] as number[]).splice(2, 2, -1, 0);
    const x = orthonormal();
    const y = x.map((row) =>
      [0, 1, 2, 3].map((j) => row.reduce((sum, xi, i) => sum + xi * (truth[i]?.[j] ?? 0), 0)),
    );
    const { supports, weights } = await leastSquares(omp({ rounds: 3 }), {
      x,
      y,
      start: tf.randomNormal([8, 4], 0, 0.5, 'float32', 1),
      block: [2, 2],
      sparsity: 5 / 8,
      steps: 80,
      rate: 0.8,
    });
    expect(supports).toEqual([[], [3], [3, 4], [1, 3, 4]]);
    weights.forEach((row, i) => row.forEach((value, j) => expect(value).toBeCloseTo(truth[i]?.[j] ?? 0, 3)));
  });

  it('with ε = 0 leaves all that is outside the support out of the sum', async () => {
    const w = tf.variable(tf.ones([4, 4]));
    const target = {
      sparsity: 0.5,
      blockShape: [2, 2],
      totalSteps: 20,
      minimumBlocks: 1,
      optimizer: null,
    } as const;
    for (const [faint, sum] of [
      [0, 0],
      [0.25, 4],
    ] as const) {
      const pruning = await sparsify({ w }, omp({ faint }), target);
      expect(tf.tidy(() => pruning.weight('w').sum().dataSync()[0])).toBe(sum);
      pruning.abandon();
      w.assign(tf.ones([4, 4]));
    }
  });

  it('has a round for the empty support, equal rounds, and a quarter of training to fine-tune', () => {
    const placed = placePhases(omp({ rounds: 3 }).search.phases, 100);
    expect(placed.map(({ phase, start }) => [phase.name, start])).toEqual([
      ['selection', 0],
      ['selection', 25],
      ['selection', 50],
      ['sparse', 75],
    ]);
  });
});

describe('outside the support nothing trains', () => {
  const optimizers: Record<string, () => tf.Optimizer> = {
    'tf.train.sgd': () => tf.train.sgd(0.1),
    'tf.train.momentum': () => tf.train.momentum(0.05, 0.9),
    'tf.train.adam': () => tf.train.adam(0.05),
    'tf.train.rmsprop': () => tf.train.rmsprop(0.05, 0.9, 0.5),
    'tf.train.adagrad': () => tf.train.adagrad(0.1),
    'sgd with decay': () => sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }),
    'adam with decay': () => adam({ learningRate: 0.05, weightDecay: 0.1 }),
  };
  const goal = tf.tensor(
    Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    [6, 4],
  ) as tf.Tensor2D;
  const blockOf = (at: number) => 2 * Math.floor(Math.floor(at / 4) / 2) + Math.floor((at % 4) / 2);

  it.each(Object.entries(optimizers))('under %s', async (_, make) => {
    const optimizer = make();
    const w = tf.variable(tf.randomNormal([6, 4], 0, 0.5, 'float32', 3));
    const pruning = await sparsify({ w }, ompr({ rounds: 3, swaps: 3 }), {
      sparsity: 0.5,
      blockShape: [2, 2],
      totalSteps: 40,
      minimumBlocks: 1,
      optimizer,
    });
    const [left, moved] = [new Set<number>(), new Set<number>()];
    for (let step = 0; step < 40; step++) {
      const before = Array.from(w.dataSync());
      const chosen = pruning.kernels[0]!.chosen;
      optimizer.minimize(() => pruning.weight('w').sub(goal).square().sum() as tf.Scalar, false, [w]);
      await pruning.step();
      const after = w.dataSync();
      before.forEach((value, at) => {
        if (!chosen[blockOf(at)]) expect(after[at]).toBe(value);
        else if (after[at] !== value) moved.add(at);
      });
      const now = pruning.kernels[0]!.chosen;
      chosen.forEach((bit, block) => bit && !now[block] && left.add(block));
    }
    expect(moved.size).toBeGreaterThan(12); // more than the three blocks that are kept in the end
    expect(left.size).toBeGreaterThan(0); // so that what leaves the support is seen, too
    pruning.abandon();
  });

  it('and a block joins with the weights that it had at the start', async () => {
    const optimizer = tf.train.adam(0.05);
    const w = tf.variable(tf.randomNormal([6, 4], 0, 0.5, 'float32', 3));
    const start = Array.from(w.dataSync());
    const pruning = await sparsify({ w }, omp({ rounds: 3, fineTuning: 0.4 }), {
      sparsity: 0.5,
      blockShape: [2, 2],
      totalSteps: 20,
      minimumBlocks: 1,
      optimizer,
    });
    let joined = 0;
    for (let step = 0; step < 20; step++) {
      const chosen = pruning.kernels[0]!.chosen;
      optimizer.minimize(() => pruning.weight('w').sub(goal).square().sum() as tf.Scalar, false, [w]);
      await pruning.step();
      const weights = tf.tidy(() => pruning.weight('w').dataSync());
      pruning.kernels[0]!.chosen.forEach((bit, block) => {
        if (!bit || chosen[block]) return;
        joined += 1;
        start.forEach((value, at) => blockOf(at) === block && expect(weights[at]).toBe(value));
      });
    }
    expect(joined).toBe(3);
    await pruning.finalize();
  });
});

describe('OMPR', () => {
  // Unit columns x₁ = e₁, x₂ = e₂, x₃ = 0.6 e₁ + 0.6 e₂ + √0.28 e₃, x₄ = e₄, x₅ = e₅, and y = x₁ + 0.9 x₂ + 0.3 x₄.
  const x = [
    [1, 0, 0.6, 0, 0],
    [0, 1, 0.6, 0, 0],
    [0, 0, Math.sqrt(0.28), 0, 0],
    [0, 0, 0, 1, 0],
    [0, 0, 0, 0, 1],
  ];
  const problem = {
    x,
    y: [[1], [0.9], [0], [0.3], [0]],
    start: tf.zeros<tf.Rank.R2>([5, 1]),
    block: [1, 1] as [number, number],
    sparsity: 0.4,
    steps: 500,
    rate: 0.9,
  };

  it('mends what OMP gets wrong: the sum of two columns, that looked better than each', async () => {
    // OMP: |xᵀy| = 1, 0.9, 1.14, 0.3, so x₃; then y − 1.14 x₃ has 0.316, 0.216, –, 0.3: x₁; refitted (0.84375 x₃ +
    // 0.49375 x₁) it has 0.394 on x₂: x₂. Refitted once more, x₃ has the weight 0, and x₄ is missing.
    const byOmp = await leastSquares(omp({ rounds: 3, fineTuning: 0.2 }), problem);
    expect(byOmp.supports).toEqual([[], [2], [0, 2], [0, 1, 2]]);
    // OMPR drops x₃, the smallest, and takes x₄, the only one with a gradient.
    const byOmpr = await leastSquares(ompr({ rounds: 3, swaps: 1, fineTuning: 0.2 }), problem);
    expect(byOmpr.supports).toEqual([[], [2], [0, 2], [0, 1, 2], [0, 1, 3]]);
    [1, 0.9, 0, 0.3, 0].forEach((truth, i) => expect(byOmpr.weights[i]?.[0]).toBeCloseTo(truth, 3));
  });
});

describe.each([
  ['omp', () => omp({ rounds: 4 })],
  ['ompr', () => ompr({ rounds: 4, swaps: 3 })],
])('%s on a network', (_, pruner) => {
  it('finds exactly k blocks of every layer, ragged edges included, the support growing by rounds', async () => {
    const dense = (units: number, seed: number, more = {}) =>
      tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed }), ...more });
    const model = tf.sequential({
      layers: [
        dense(7, 1, { inputShape: [9], activation: 'relu' }),
        dense(9, 2, { activation: 'relu' }),
        dense(2, 3),
      ],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const target = { sparsity: 0.6, blockShape: [2, 2], totalSteps: 48, minimumBlocks: 10 } as const;
    const pruning = await sparsify(model, pruner(), target);
    const [x, y] = [
      tf.randomNormal([32, 9], 0, 1, 'float32', 1),
      tf.randomNormal([32, 2], 0, 1, 'float32', 2),
    ];
    const leaked: number[] = [];
    let before = pruning.kernels.map(({ chosen }) => kept(chosen));
    expect(before).toEqual([[], []]);
    for (let step = 0; step < 48; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      leaked.push(tf.memory().numTensors);
      const now = pruning.kernels.map(({ chosen }) => kept(chosen));
      now.forEach((blocks, i) => {
        const old = before[i] as number[];
        if (old.length === 8) expect(blocks).toHaveLength(8);
        else expect(blocks).toEqual(expect.arrayContaining(old));
      });
      before = now;
    }
    expect(new Set(leaked.slice(-6)).size).toBe(1);
    const { pruned } = await pruning.finalize();
    // 5 × 4 and 4 × 5 blocks: 20 · 0.4.
    expect(pruned.map(({ blocks, keptBlocks }) => [blocks, keptBlocks])).toEqual([
      [20, 8],
      [20, 8],
    ]);
  });
});

describe('the package', () => {
  it('exports OMP by default, OMPR by default from its own entry, and both by name', () => {
    expect(ompByDefault).toBe(omp);
    expect(omprByDefault).toBe(ompr);
    expect(omp({ rounds: 5 })).toMatchObject({
      name: 'omp',
      settings: { rounds: 5, fineTuning: 0.25, faint: 0.01 },
    });
    expect(ompr()).toMatchObject({
      name: 'ompr',
      settings: { rounds: 10, swaps: 10, fineTuning: 0.25, faint: 0.01 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => omp({ rounds: 0 })).toThrow('rounds = 0, and is to be a whole number from 1');
    expect(() => omp({ fineTuning: 0 })).toThrow('fineTuning = 0');
    expect(() => omp({ faint: 1 })).toThrow('faint = 1 is not from 0 and under 1');
    expect(() => omp({ faint: Number.NaN })).toThrow('faint = NaN');
    expect(() => ompr({ swaps: 0 })).toThrow('swaps = 0 is not a whole number of at least 1');
    expect(() => ompr({ swaps: 1.5 })).toThrow('swaps = 1.5, and is to be a whole number');
  });
});
