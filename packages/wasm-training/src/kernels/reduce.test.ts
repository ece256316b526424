import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '../index.js';
import { middleExtent } from './reduce.js';
import { expectGradients, expectSameAsCpu, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 9 }) },
  fc.constantFrom(0, 16, 33, 130),
);
const shapeAndAxes = fc
  .array(length, { minLength: 1, maxLength: 4 })
  .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, axis) => axis))));

describe.each(['sum', 'mean'] as const)('%s on wasm', (op) => {
  it('agrees with the cpu backend over any axes', async () => {
    await fc.assert(
      fc.asyncProperty(
        shapeAndAxes,
        fc.boolean(),
        fc.integer({ min: 0, max: 1e6 }),
        async ([shape, axes], keep, s) => {
          await expectSameAsCpu(() => tf[op](randomTensor(shape, s), axes, keep));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('has the gradient that the cpu backend has', async () => {
    await fc.assert(
      fc.asyncProperty(shapeAndAxes, fc.integer({ min: 0, max: 1e6 }), async ([shape, axes], s) => {
        await expectSameAsCpu(() => {
          const x = randomTensor(shape, s);
          return tf.grad((v) => tf.sum(tf.square(tf[op](v, axes))))(x);
        });
      }),
      { numRuns: 80 },
    );
  });
});

it('sums more ones than single precision can count', () => {
  const total = tf.tidy(() => tf.sum(tf.ones([2 ** 24 + 64])).dataSync()[0]);
  expect(total).toBe(2 ** 24 + 64);
});

it('leaves integers to the stock kernel', () => {
  const sums = tf.tidy(() =>
    tf.sum(
      tf.tensor2d(
        [
          [1, 2],
          [3, 4],
        ],
        [2, 2],
        'int32',
      ),
      0,
    ),
  );
  expect([sums.dtype, ...sums.dataSync()]).toEqual(['int32', 4, 6]);
});

it('finds the middle of a shape', () => {
  expect(middleExtent([2, 3, 4], [1])).toEqual([2, 3, 4]);
  expect(middleExtent([2, 3, 4], [0, 1])).toEqual([1, 6, 4]);
  expect(middleExtent([2, 1, 4], [0, 2])).toEqual([1, 8, 1]);
  expect(middleExtent([2, 3, 4], [0, 2])).toBeNull();
  expect(middleExtent([2, 3], [])).toEqual([6, 1, 1]);
  expect(middleExtent([0, 7, 3, 2], [0, 2])).toEqual([14, 0, 1]);
});

it('differentiates twice through sums, means and relu', () => {
  const x = tf.tensor1d([0.5, -0.3, 0.8]);
  // f = (sum relu(x)²)²/4 with g = sum relu(x)²: f' = g · relu(x), and the second derivative of f' summed.
  const first = tf.grad((v) => tf.mul(tf.square(tf.sum(tf.square(tf.relu(v)))), 0.25) as tf.Scalar);
  expectGradients((v) => tf.sum(first(v!)) as tf.Scalar, [x]);
  tf.dispose(x);
});
