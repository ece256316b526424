/** What the tests of this package share: values from a seed, loops over blocks as naive as can be, strategies. */
import type { Shape2D } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

import { exponential } from './search/curves.js';
import { attention, frobenius } from './importances.js';
import { identity, softmaxAttention } from './parameterisations.js';
import type { Pruner } from './pruner.js';
import { alternating } from './search/alternating.js';
import type { AlternatingPlan } from './search/alternating-plan.js';
import { alternatingWithSparsification } from './search/alternating-with-sparsification.js';
import { oneShot } from './search/one-shot.js';
import type { Search } from './search/phases.js';
import { placePhases } from './search/placing.js';

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

export function randomTensor<T extends tf.Tensor = tf.Tensor2D>(shape: number[], seed?: number): T {
  return tf.tensor(randomValues(tf.util.sizeFromShape(shape), seed), shape) as T;
}

/** The block, row by row, that the weight at a flat index of an `n × m` matrix is in. */
export function blockOf(index: number, [, m]: Shape2D, [blockRows, blockColumns]: Shape2D): number {
  const acrossTheMatrix = Math.ceil(m / blockColumns);
  return (
    Math.floor(Math.floor(index / m) / blockRows) * acrossTheMatrix + Math.floor((index % m) / blockColumns)
  );
}

/** The values of an `n × m` matrix, zero in the blocks that the mask does not keep. */
export function zeroOutside(
  values: ArrayLike<number>,
  mask: ArrayLike<number>,
  matrix: Shape2D,
  block: Shape2D,
): number[] {
  return Array.from(values, (value, i) => (mask[blockOf(i, matrix, block)] ? value : 0));
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

/** The mean of each block's squares, over the weights that are there. */
export function naiveMeanSquares(values: ArrayLike<number>, matrix: Shape2D, block: Shape2D): number[] {
  const counts = naiveNorms(
    Array.from(values, () => 1),
    matrix,
    block,
  ).map((norm) => norm ** 2);
  return naiveNorms(values, matrix, block).map((norm, b) => norm ** 2 / (counts[b] as number));
}

/** The `k` largest by a full sort, the earlier of equals first. */
export function naiveTopK(scores: readonly number[], k: number): number[] {
  const ranked = scores.map((score, i) => [score, i] as const).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const kept = new Set(ranked.slice(0, k).map(([, i]) => i));
  return scores.map((_, i) => (kept.has(i) ? 1 : 0));
}

/** The derivative of a scalar function by each of `values`, by central differences. */
export function finiteDifferences(
  f: (values: Float32Array) => number,
  values: Float32Array,
  h = 1e-2,
): number[] {
  return Array.from(values, (_, i) => {
    const at = (delta: number) => f(values.map((value, j) => (i === j ? value + delta : value)));
    return (at(h) - at(-h)) / (2 * h);
  });
}

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs((actual[i] as number) - value), `[${i}] ${actual[i]} for ${value}`).toBeLessThanOrEqual(
      tolerance,
    );
  });
}

/** Magnitude pruning under a search. */
export function byMagnitude(search: Search = oneShot()): Pruner {
  return {
    name: 'by-magnitude',
    description: '',
    source: '',
    settings: {},
    parameterisation: identity,
    importance: frobenius,
    search,
  };
}

/** Softmax attention under a search, the logits trained by the optimiser unless they are to travel. */
export function byAttention(
  search: Search = oneShot(),
  temperature = 1,
  travel: number | 'optimizer' = 'optimizer',
): Pruner {
  return {
    ...byMagnitude(search),
    name: 'by-attention',
    parameterisation: softmaxAttention({ temperature, travel }),
    importance: attention({ temperature }),
  };
}

/** Two cycles in 20 steps: long enough for every kind of phase, short enough for a test. */
export const shortPlan: AlternatingPlan = { warmUp: 0.2, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 };

/** One of each kind: one-shot, AC/DC's search and SequentialAttention++. */
export const strategies: Record<string, Pruner> = {
  'one-shot magnitude': byMagnitude(),
  'AC/DC': byMagnitude(alternating(shortPlan)),
  'SequentialAttention++': byAttention(alternatingWithSparsification(shortPlan, { curve: exponential(4) })),
};

/** What a tensor holds, −0 as 0. */
export function values(tensor: tf.Tensor): number[] {
  return Array.from(tensor.dataSync(), (value) => value + 0);
}

/** `name start` of each phase, and the end of the last. */
export function boundaries({ phases }: Search, totalSteps: number): string {
  const placed = placePhases(phases, totalSteps);
  return [...placed.map(({ phase, start }) => `${phase.name} ${start}`), placed.at(-1)?.end].join(', ');
}
