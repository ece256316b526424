// What the tests of this package share: random tensors from a seed, and one computation on two backends.

import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** Values in [-1, 1) from a seed (mulberry32). */
export function randomValues(size: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: size }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  });
}

export function randomTensor(shape: number[], seed: number): tf.Tensor {
  return tf.tensor(randomValues(tf.util.sizeFromShape(shape), seed), shape);
}

/** Shape and values of one or several results of `compute` on a backend; leaves 'wasm' active. */
export async function onBackend(
  backend: 'wasm' | 'cpu',
  compute: () => tf.Tensor | tf.Tensor[],
): Promise<{ shape: number[]; values: number[] }[]> {
  await tf.setBackend(backend);
  const results = tf.tidy(() => {
    const outputs = compute();
    return (Array.isArray(outputs) ? outputs : [outputs]).map((x) => ({
      shape: x.shape,
      values: Array.from(x.dataSync()),
    })) as never;
  }) as { shape: number[]; values: number[] }[];
  await tf.setBackend('wasm');
  return results;
}

/** Both backends agree to `tolerance`, relative to the largest value of each result. */
export async function expectSameAsCpu(
  compute: () => tf.Tensor | tf.Tensor[],
  tolerance = 1e-4,
): Promise<void> {
  const expected = await onBackend('cpu', compute);
  const actual = await onBackend('wasm', compute);
  expect(actual.map((x) => x.shape)).toEqual(expected.map((x) => x.shape));
  actual.forEach(({ values }, i) => expectClose(values, expected[i]!.values, tolerance));
}

/**
 * Every value within `tolerance` times the largest magnitude that is expected (at least 0.01: a sum of a few random
 * values may cancel); NaN and infinities in place.
 */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-4): void {
  expect(actual.length).toBe(expected.length);
  let scale = 0.01;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]!));
  }
  for (let i = 0; i < expected.length; i++) {
    const same =
      Object.is(actual[i], expected[i]) || Math.abs(actual[i]! - expected[i]!) <= tolerance * scale;
    if (!same) expect.fail(`element ${i} is ${actual[i]}, expected ${expected[i]} (scale ${scale})`);
  }
}

/** The gradients of `loss` are those of central differences, to 2e-3 of the largest. */
export function expectGradients(loss: (...inputs: tf.Tensor[]) => tf.Scalar, inputs: tf.Tensor[]): void {
  const gradients = tf.grads(loss as never)(inputs);
  const step = 1e-2;
  inputs.forEach((input, which) => {
    const values = input.dataSync();
    const numeric = Array.from(values, (_, i) => {
      const at = (shift: number) =>
        tf.tidy(() => {
          const moved = values.slice();
          moved[i]! += shift;
          return loss(...inputs.map((x, j) => (j === which ? tf.tensor(moved, x.shape) : x))).dataSync()[0]!;
        });
      return (at(step) - at(-step)) / (2 * step);
    });
    expectClose(gradients[which]!.dataSync(), numeric, 2e-3);
  });
  tf.dispose(gradients);
}
