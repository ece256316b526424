/** Group LASSO ends at the minimum of least squares with its penalty, whatever the optimiser. */
import { sparsify } from '@espalier/core';
import { adam, sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { groupLasso } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const [INPUTS, OUTPUTS, ROWS, LAMBDA] = [6, 4, 30, 0.4];
const BLOCK = [2, 3] as const; // 3 × 2 blocks, those at the right edge of one column

/** Numbers from −1 to 1 (a linear congruential generator, Numerical Recipes). */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Inputs that are correlated and differ in scale, and answers by the weights of three of the six blocks, with noise. */
const scales = [1, 0.5, 2, 1.5, 0.7, 1];
const x = Array.from({ length: ROWS }, (_, row) => {
  const drawn = numbers(INPUTS + 1, 100 + row);
  return scales.map((scale, i) => scale * (drawn[i]! + 0.5 * drawn[INPUTS]!));
});
const truth = [
  [2, -1, 0.5, 0],
  [1, 0.5, 1, 0],
  [0, 0, 0, 0],
  [0, 0, 0, 0],
  [0.3, -0.2, 0.1, 1],
  [0.2, 0.3, -0.3, -2],
];
const y = x.map((row, i) => {
  const noise = numbers(OUTPUTS, 500 + i);
  return noise.map((n, j) => 0.3 * n + row.reduce((sum, value, k) => sum + value * truth[k]![j]!, 0));
});

const blockOf = (i: number, j: number) => 2 * Math.floor(i / BLOCK[0]) + Math.floor(j / BLOCK[1]);

/** λ of a block; at the right edge it has two weights for six (Yuan and Lin 2006, §2: with the root of a group's size). */
const penalty = (b: number) => LAMBDA * Math.sqrt((b % 2 === 0 ? 6 : 2) / 6);

/** The gradient of `½ ‖X W − Y‖² / rows + ½ decay ‖W‖²`. */
function gradient(w: number[][], decay: number): number[][] {
  const errors = x.map((row, r) =>
    y[r]!.map((answer, j) => row.reduce((s, v, k) => s + v * w[k]![j]!, -answer)),
  );
  return w.map((row, k) =>
    row.map(
      (value, j) => decay * value + errors.reduce((s, error, r) => s + x[r]![k]! * error[j]!, 0) / ROWS,
    ),
  );
}

function norms(matrix: number[][]): number[] {
  const squares = new Array<number>(6).fill(0);
  matrix.forEach((row, i) => row.forEach((value, j) => (squares[blockOf(i, j)]! += value * value)));
  return squares.map(Math.sqrt);
}

/** The minimum with the penalty, by many plain proximal gradient steps in double precision. */
function minimum(decay: number): number[][] {
  let w = truth.map((row) => row.map(() => 0));
  const step = 0.1;
  for (let iteration = 0; iteration < 20_000; iteration++) {
    const g = gradient(w, decay);
    const moved = w.map((row, i) => row.map((value, j) => value - step * g[i]![j]!));
    const length = norms(moved);
    const shrink = (b: number) => Math.max(0, 1 - (step * penalty(b)) / length[b]!);
    w = moved.map((row, i) => row.map((value, j) => shrink(blockOf(i, j)) * value));
  }
  return w;
}

/** Trains from random weights with the penalty to the end; `rate` gives the learning rate of a step, progress 0 to 1. */
async function trained(optimizer: tf.Optimizer, steps: number, rate: ((t: number) => number) | null) {
  const w = tf.variable(tf.tensor2d(numbers(INPUTS * OUTPUTS, 9), [INPUTS, OUTPUTS]));
  const pruning = await sparsify({ w }, groupLasso({ lambda: LAMBDA, final: 'learned' }), {
    sparsity: 0.5,
    blockShape: BLOCK,
    totalSteps: steps,
    minimumBlocks: 1,
    optimizer,
  });
  const [inputs, answers] = [tf.tensor2d(x), tf.tensor2d(y)];
  const loss = () =>
    inputs
      .matMul(pruning.weight('w') as tf.Tensor2D)
      .sub(answers)
      .square()
      .sum()
      .div<tf.Scalar>(2 * ROWS);
  for (let step = 0; step < steps; step++) {
    if (rate) (optimizer as unknown as { learningRate: number }).learningRate = rate(step / steps);
    optimizer.minimize(loss, false, [w]);
    await pruning.step();
  }
  return w.arraySync() as number[][];
}

/** Steps of Adam and RMSProp do not shrink with the gradient: they settle only if the rate goes to zero. */
const fading = (t: number) => 0.05 * (1 - t) ** 3;
const optimizers: [
  string,
  () => tf.Optimizer,
  { decay?: number; rate?: typeof fading; tolerance?: number },
][] = [
  ['tf.train.sgd', () => tf.train.sgd(0.1), {}],
  ['tf.train.momentum', () => tf.train.momentum(0.02, 0.9), {}],
  ['tf.train.momentum, Nesterov', () => tf.train.momentum(0.02, 0.9, true), {}],
  ['tf.train.adam', () => tf.train.adam(0.05), { rate: fading, tolerance: 1e-3 }],
  ['tf.train.rmsprop', () => tf.train.rmsprop(0.05), { rate: fading, tolerance: 1e-3 }],
  ['tf.train.adagrad', () => tf.train.adagrad(0.5), { tolerance: 1e-3 }],
  ['tf.train.adamax', () => tf.train.adamax(0.05), { rate: fading, tolerance: 1e-3 }],
  ['sgd', () => sgd({ learningRate: 0.1 }), {}],
  ['sgd, momentum', () => sgd({ learningRate: 0.02, momentum: 0.9 }), {}],
  ['sgd, Nesterov', () => sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }), {}],
  [
    'sgd, momentum, decay',
    () => sgd({ learningRate: 0.02, momentum: 0.9, weightDecay: 0.1 }),
    { decay: 0.1 },
  ],
  ['adam', () => adam({ learningRate: 0.05 }), { rate: fading, tolerance: 1e-3 }],
  [
    'adam, decay',
    () => adam({ learningRate: 0.05, weightDecay: 0.1 }),
    { decay: 0.1, rate: fading, tolerance: 1e-3 },
  ],
];

describe.each(optimizers)('under %s', (_, make, { decay = 0, rate = null, tolerance = 1e-4 }) => {
  it('ends at the minimum, blocks of zeros included', async () => {
    const w = await trained(make(), rate ? 2000 : 600, rate);
    const exact = minimum(decay);
    const [left, leftExact] = [norms(w), norms(exact)];
    expect(left.map((norm) => norm > 0)).toEqual(leftExact.map((norm) => norm > 0));
    w.forEach((row, i) =>
      row.forEach((value, j) => expect(Math.abs(value - exact[i]![j]!)).toBeLessThan(tolerance)),
    );
    // The conditions of the minimum: the gradient is −λ_b W_b / ‖W_b‖ where a block is left, and no longer than λ_b else.
    const g = gradient(w, decay);
    norms(g).forEach((norm, b) => {
      if (left[b] === 0) expect(norm).toBeLessThan(penalty(b) * (1 + tolerance));
    });
    w.forEach((row, i) =>
      row.forEach((value, j) => {
        const norm = left[blockOf(i, j)]!;
        if (norm > 0)
          expect(Math.abs(g[i]![j]! + (penalty(blockOf(i, j)) * value) / norm)).toBeLessThan(10 * tolerance);
      }),
    );
  }, 60_000);
});

it('the problem is one with blocks of both kinds', () => {
  const kept = norms(minimum(0)).filter((norm) => norm > 0).length;
  expect(kept).toBeGreaterThan(1);
  expect(kept).toBeLessThan(6);
});
