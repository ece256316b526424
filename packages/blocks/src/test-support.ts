/** What the tests of this package share: random patterns and tensors from a seed, masked dense kernels, tolerances. */
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { expect } from 'vitest';

import { blockGrid, type BlockGrid, type Shape2D } from './grid.js';
import { patternOf, type BlockPattern } from './pattern.js';
import { TrainingMask } from './training-mask.js';

/** `count` numbers from −1 to 1, the same for the same seed (mulberry32). */
export function randomValues(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}

export function randomTensor<T extends tf.Tensor = tf.Tensor2D>(shape: readonly number[], seed = 1): T {
  return tf.tensor(randomValues(tf.util.sizeFromShape([...shape]), seed), [...shape]) as T;
}

/** Which blocks a pattern keeps. */
export const KEPT = ['all', 'none', 'one', 'few', 'some'] as const;
export type Kept = (typeof KEPT)[number];

/** Blocks of every size: those that fill a tile of registers, those that do not, and the whole matrix. */
export const grids: fc.Arbitrary<BlockGrid> = fc
  .record({
    // Half of the widths are whole vectors, which have a way of their own.
    matrix: fc.tuple(
      fc.integer({ min: 1, max: 90 }),
      fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constantFrom(16, 40, 64, 88)),
    ),
    block: fc.oneof(
      fc.constantFrom(1, 4, 5, 8, 10, 16, 20, 24, 32, 64).map((side) => [side, side] as const),
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
      fc.constant([90, 90] as const),
    ),
  })
  .map(({ matrix, block }) =>
    blockGrid(matrix, [Math.min(matrix[0], block[0]), Math.min(matrix[1], block[1])]),
  );

/** A grid, and a mask of it: all kept, none, one, few, or many. */
export const patterns: fc.Arbitrary<BlockPattern> = fc
  .record({ grid: grids, kept: fc.constantFrom(...KEPT), seed: fc.nat(1e6) })
  .map(({ grid, kept, seed }) => patternKeeping(grid.matrixShape, grid.blockShape, kept, seed));

/** The same as masks of a training, each made anew. */
export const masks: fc.Arbitrary<TrainingMask> = patterns.map(
  (pattern) => new TrainingMask(pattern.grid, pattern.mask()),
);

export function patternKeeping(matrix: Shape2D, block: Shape2D, kept: Kept, seed: number): BlockPattern {
  const grid = blockGrid(matrix, block);
  const random = randomValues(grid.blocks, seed);
  const keeps: Record<Kept, (index: number) => boolean> = {
    all: () => true,
    none: () => false,
    one: (index) => index === seed % grid.blocks,
    few: (index) => random[index]! > 0.8,
    some: (index) => random[index]! > 0.2,
  };
  return patternOf(
    grid,
    Uint8Array.from({ length: grid.blocks }, (_, index) => Number(keeps[kept](index))),
  );
}

/** The mask of the weights `[n, m]`, made from the definition: each weight's own block, looked up. */
export function weightMask(pattern: BlockPattern): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  const mask = pattern.mask();
  const across = Math.ceil(m / blockColumns);
  const ofWeight = Float32Array.from({ length: n * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    return mask[Math.floor(i / blockRows) * across + Math.floor(j / blockColumns)]!;
  });
  return tf.tensor2d(ofWeight, [n, m]);
}

/** The values of a matrix at the kept blocks, by the definition of their order. */
function blocksOf(matrix: ArrayLike<number>, { grid, pointers, indices }: BlockPattern): number[] {
  const [n, m] = grid.matrixShape;
  const [blockRows, blockColumns] = grid.blockShape;
  const values: number[] = [];
  for (let row = 0; row < grid.gridShape[0]; row++) {
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++) {
      for (let i = row * blockRows; i < Math.min(n, (row + 1) * blockRows); i++) {
        const left = indices[at]! * blockColumns;
        for (let j = left; j < Math.min(m, left + blockColumns); j++) values.push(matrix[i * m + j]!);
      }
    }
  }
  return values;
}

/** Of each value its place in the matrix, row by row. */
export function placesOfValues(pattern: BlockPattern): number[] {
  const [n, m] = pattern.matrixShape;
  return blocksOf(
    Array.from({ length: n * m }, (_, at) => at),
    pattern,
  );
}

/** Each value within `tolerance` of the largest magnitude that is expected, at least 1. */
export function expectClose(actual: tf.Tensor, expected: tf.Tensor | number[], tolerance = 1e-4): void {
  const wanted = Array.isArray(expected) ? expected : Array.from(expected.dataSync());
  if (!Array.isArray(expected)) expect(actual.shape).toEqual(expected.shape);
  const got = actual.dataSync();
  expect(got.length).toBe(wanted.length);
  const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  wanted.forEach((value, at) => {
    const off = Math.abs(got[at]! - value);
    // Written so that NaN fails too.
    if (!(off <= tolerance * scale)) expect.fail(`element ${at} is ${got[at]}, expected ${value}`);
  });
}

/** The gradients of a scalar function by central differences of each of its inputs, in order. */
export function finiteDifferences(f: (...inputs: tf.Tensor[]) => tf.Scalar, inputs: tf.Tensor[]): number[][] {
  const step = 1e-2;
  return inputs.map((input, which) => {
    const values = input.dataSync();
    return Array.from(values, (_, at) => {
      const moved = (by: number) =>
        tf.tidy(() => {
          const changed = Float32Array.from(values);
          changed[at]! += by;
          return f(...inputs.map((x, i) => (i === which ? tf.tensor(changed, x.shape) : x))).dataSync()[0]!;
        });
      return (moved(step) - moved(-step)) / (2 * step);
    });
  });
}

/** Runs in a tidy and fails if a tensor is left over. */
export function withoutLeaks(run: () => void): void {
  const before = tf.memory().numTensors;
  tf.tidy(run);
  expect(tf.memory().numTensors).toBe(before);
}

/** The `k` largest by a full sort, the earlier of equals first. */
export function naiveTopK(scores: readonly number[], k: number): number[] {
  const ranked = scores.map((score, i) => [score, i] as const).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const kept = new Set(ranked.slice(0, k).map(([, i]) => i));
  return scores.map((_, i) => (kept.has(i) ? 1 : 0));
}

/** The block, row by row, that the weight at a flat index of an `n × m` matrix is in. */
export function blockOf(index: number, [, m]: Shape2D, [blockRows, blockColumns]: Shape2D): number {
  const acrossTheMatrix = Math.ceil(m / blockColumns);
  return (
    Math.floor(Math.floor(index / m) / blockRows) * acrossTheMatrix + Math.floor((index % m) / blockColumns)
  );
}

/** The square root of each block's sum of squares. */
export function naiveNorms(values: ArrayLike<number>, matrix: Shape2D, block: Shape2D): number[] {
  const sums = new Array<number>(Math.ceil(matrix[0] / block[0]) * Math.ceil(matrix[1] / block[1])).fill(0);
  Array.from(values).forEach((value, i) => {
    const b = blockOf(i, matrix, block);
    sums[b] = (sums[b] as number) + value * value;
  });
  return sums.map(Math.sqrt);
}
