import { blockGrid } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { groupSoftThreshold } from './group-soft-threshold.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const grid = blockGrid([5, 7], [2, 3]); // ragged both ways
const members = (block: number) => {
  const [top, left] = [2 * Math.floor(block / 3), 3 * (block % 3)];
  return Array.from({ length: 35 }, (_, at) => at).filter((at) => {
    const [i, j] = [Math.floor(at / 7), at % 7];
    return i >= top && i < top + 2 && j >= left && j < left + 3;
  });
};

/** Numbers from 0 to 1 (a linear congruential generator, Numerical Recipes). */
function numbers(count: number, seed: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

const shrunk = (w: ArrayLike<number>, t: ArrayLike<number> | number) =>
  tf.tidy(() => {
    const threshold = typeof t === 'number' ? tf.scalar(t) : tf.tensor2d(Array.from(t), [5, 7]);
    return groupSoftThreshold(tf.tensor2d(Array.from(w), [5, 7]), threshold, grid).dataSync<'float32'>();
  });

describe('the group soft threshold', () => {
  it('of [3, 4] at 1 is [2.4, 3.2], of one t and of a t of each weight', () => {
    const w = tf.tensor2d([[3, 4, 0.6, 0.7, 0, 0]]);
    for (const t of [tf.scalar(1), tf.ones([1, 6])]) {
      const seen = groupSoftThreshold(w, t, blockGrid([1, 6], [1, 2])).dataSync();
      [2.4, 3.2, 0, 0, 0, 0].forEach((value, i) => expect(seen[i]! + 0).toBeCloseTo(value, 6));
    }
  });

  it('of single weights is the soft threshold, for whatever t', () => {
    const [w, t] = [
      [2, -2, 0.5, -1, 0],
      [0.5, 1.5, 1, 0, 3],
    ];
    const seen = groupSoftThreshold(tf.tensor2d([w]), tf.tensor2d([t]), blockGrid([1, 5], [1, 1])).dataSync();
    [1.5, -0.5, 0, -1, 0].forEach((value, i) => expect(seen[i]! + 0).toBeCloseTo(value, 6));
  });

  it('counts a block at a ragged edge by the root of its share of a whole one', () => {
    // Of 2 × 3: rows of 3, and a column of 2 and one number at the right and the bottom. All numbers are 1.
    const counts = [6, 6, 2, 6, 6, 2, 3, 3, 1];
    for (const t of [0.4, new Array<number>(35).fill(0.4)]) {
      const u = shrunk(new Array<number>(35).fill(1), t);
      counts.forEach((count, block) => {
        const expected = 1 - (0.4 * Math.sqrt(count / 6)) / Math.sqrt(count);
        for (const at of members(block)) expect(u[at]).toBeCloseTo(expected, 6);
      });
    }
  });

  it('is stationary: (w − u) / t = c u / ‖U_b‖ where a block is left, ‖w / t‖ ≤ c where it is not', () => {
    let [left, gone] = [0, 0];
    for (let draw = 0; draw < 200; draw++) {
      const spread = draw % 5; // up to four decades between the t of a block
      const w = numbers(35, draw).map((v) => 2 * v - 1);
      const scale = 10 ** (draw % 4) / 30;
      const t = numbers(35, 1000 + draw).map((v) => scale * 10 ** (-spread * v));
      const u = shrunk(w, t);
      for (let block = 0; block < grid.blocks; block++) {
        const own = members(block);
        const c = Math.sqrt(own.length / 6);
        const norm = Math.hypot(...own.map((at) => u[at]!));
        if (norm === 0) {
          gone += 1;
          expect(Math.hypot(...own.map((at) => w[at]! / t[at]!))).toBeLessThan(c * (1 + 1e-5));
          continue;
        }
        left += 1;
        for (const at of own) {
          // In the weight's own scale: u (1 + t c / ρ) = w.
          expect(Math.abs(u[at]! * (1 + (t[at]! * c) / norm) - w[at]!)).toBeLessThan(1e-3);
        }
      }
    }
    expect(Math.min(left, gone)).toBeGreaterThan(300);
  });

  it('finds the norm of what is left to single precision, as bisection does', () => {
    for (let draw = 0; draw < 50; draw++) {
      const w = numbers(35, 77 + draw).map((v) => 2 * v - 1);
      const t = numbers(35, 3000 + draw).map((v) => 0.5 * 100 ** -v);
      const u = shrunk(w, t);
      for (let block = 0; block < grid.blocks; block++) {
        const own = members(block);
        const c = Math.sqrt(own.length / 6);
        const sum = (norm: number) =>
          own.reduce((total, at) => total + (w[at]! / (norm + t[at]! * c)) ** 2, 0);
        let [low, high] = [0, 10];
        for (let halving = 0; halving < 60; halving++) {
          if (sum((low + high) / 2) > 1) low = (low + high) / 2;
          else high = (low + high) / 2;
        }
        expect(Math.hypot(...own.map((at) => u[at]!))).toBeCloseTo(low, 5);
      }
    }
  });

  it.each([
    ['t of 0', () => 0],
    [
      't from far under to far over the weights, as of Adam where a weight has no gradient',
      (v: number) => 10 ** (16 * v - 12),
    ],
    ['t that are as small as they can be', () => 1e-38],
    ['t that are large', () => 1e30],
  ])('stays finite for %s', (name, t) => {
    const w = numbers(35, 5).map((v, i) => (i % 3 === 0 ? 0 : 2 * v - 1));
    for (const weights of [w, w.map(() => 0), w.map((v) => v * 1e-20)]) {
      const u = shrunk(weights, numbers(35, 6).map(t));
      expect(u.every(Number.isFinite)).toBe(true);
      if (name === 't of 0') weights.forEach((v, i) => expect(u[i]).toBeCloseTo(v, 6));
    }
  });

  it('leaves no tensor behind but its own', () => {
    const [w, t] = [tf.ones<tf.Rank.R2>([5, 7]), tf.ones([5, 7])];
    const { numTensors } = tf.memory();
    groupSoftThreshold(w, t, grid).dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
