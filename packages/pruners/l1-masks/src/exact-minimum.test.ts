/** With V fixed, ℓ1 masks end at the LASSO of the masks, whatever the optimiser. */
import { sparsify } from '@espalier/core';
import { adam, sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { l1Masks } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const [ROWS, LAMBDA] = [30, 0.4];

/** Numbers from −1 to 1 (a linear congruential generator, Numerical Recipes). */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const scales = [1, 0.5, 2, 1.5, 0.7, 1];
const x = Array.from({ length: ROWS }, (_, row) => numbers(6, 100 + row).map((v, i) => v * scales[i]!));
const fixed = Array.from({ length: 6 }, (_, row) => numbers(4, 40 + row).map((v) => 2 * v));
/** `parts[b][r]` is what block b of V, of 2 × 2, makes of row r: `[0, …]` outside of its columns. */
const parts = Array.from({ length: 6 }, (_, b) => {
  const [i, j] = [2 * Math.floor(b / 2), 2 * (b % 2)];
  return x.map((row) =>
    [0, 1, 2, 3].map((column) =>
      column === j || column === j + 1
        ? row[i]! * fixed[i]![column]! + row[i + 1]! * fixed[i + 1]![column]!
        : 0,
    ),
  );
});
const truth = [1.5, 0, -1, 0, 0.2, 0.1];
const predicted = (w: readonly number[]) =>
  x.map((_, r) => [0, 1, 2, 3].map((j) => w.reduce((sum, value, b) => sum + value * parts[b]![r]![j]!, 0)));
const y = predicted(truth).map((row, r) => row.map((v, j) => v + 0.5 * numbers(4, 900 + r)[j]!));

/** Of `½ ‖X (w ⊙ V) − Y‖² / rows`, by each mask. */
function gradient(w: readonly number[]): number[] {
  const errors = predicted(w).map((row, r) => row.map((v, j) => v - y[r]![j]!));
  return parts.map(
    (part) =>
      part.reduce((sum, row, r) => sum + row.reduce((s, v, j) => s + v * errors[r]![j]!, 0), 0) / ROWS,
  );
}

/** The LASSO, by plain proximal gradient steps in double precision. */
function minimum(): number[] {
  let w = truth.map(() => 0);
  for (let iteration = 0; iteration < 20_000; iteration++) {
    const g = gradient(w);
    w = w.map((value, b) => {
      const moved = value - 0.05 * g[b]!;
      return Math.sign(moved) * Math.max(0, Math.abs(moved) - 0.05 * LAMBDA);
    });
  }
  return w;
}

const exact = minimum();

async function trained(optimizer: tf.Optimizer, steps: number, rate: ((t: number) => number) | null) {
  const v = tf.variable(tf.tensor2d(fixed));
  const pruning = await sparsify({ v }, l1Masks({ lambda: LAMBDA, dense: 0.9 }), {
    sparsity: 0.5,
    blockShape: [2, 2],
    totalSteps: 2 * steps,
    minimumBlocks: 1,
    optimizer,
  });
  const [masks] = pruning.addedVariables as [tf.Variable];
  const [inputs, answers] = [tf.tensor2d(x), tf.tensor2d(y)];
  const loss = () =>
    inputs
      .matMul(pruning.weight('v') as tf.Tensor2D)
      .sub(answers)
      .square()
      .sum()
      .div<tf.Scalar>(2 * ROWS);
  for (let step = 0; step < steps; step++) {
    if (rate) (optimizer as unknown as { learningRate: number }).learningRate = rate(step / steps);
    optimizer.minimize(loss, false, [masks]);
    await pruning.step();
  }
  expect(v.arraySync()).toEqual((await tf.tensor2d(fixed).array()) as number[][]);
  return Array.from(masks.dataSync());
}

/** Steps of Adam and RMSProp do not shrink with the gradient: they settle only if the rate goes to zero. */
const fading = (t: number) => 0.05 * (1 - t) ** 3;
const optimizers: [string, () => tf.Optimizer, typeof fading | null][] = [
  ['tf.train.sgd', () => tf.train.sgd(0.1), null],
  ['tf.train.momentum', () => tf.train.momentum(0.02, 0.9), null],
  ['tf.train.momentum, Nesterov', () => tf.train.momentum(0.02, 0.9, true), null],
  ['tf.train.adam', () => tf.train.adam(0.05), fading],
  ['tf.train.rmsprop', () => tf.train.rmsprop(0.05), fading],
  ['sgd, momentum', () => sgd({ learningRate: 0.02, momentum: 0.9 }), null],
  ['sgd, Nesterov', () => sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }), null],
  ['adam', () => adam({ learningRate: 0.05 }), fading],
];

describe.each(optimizers)('under %s', (_, make, rate) => {
  it('ends at the minimum, masks of zero included', async () => {
    const w = await trained(make(), 500, rate);
    expect(w.map((mask) => mask !== 0)).toEqual(exact.map((mask) => mask !== 0));
    w.forEach((mask, b) => expect(Math.abs(mask - exact[b]!)).toBeLessThan(1e-3));
    // The conditions of the minimum: the gradient is −λ sign(w), and of size λ at most where w is 0.
    gradient(w).forEach((g, b) => {
      if (w[b] !== 0) expect(g).toBeCloseTo(-LAMBDA * Math.sign(w[b]!), 2);
      else expect(Math.abs(g)).toBeLessThan(LAMBDA);
    });
  });
});

it('the problem is one with masks of both kinds', () => {
  expect(exact.filter((mask) => mask === 0).length).toBeGreaterThan(1);
  expect(exact.filter((mask) => mask !== 0).length).toBeGreaterThan(1);
});
