import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { broadcastLayout } from './binary.js';
import '../index.js';
import { expectSameAsCpu, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const length = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 7 }) }, fc.constantFrom(0, 16, 19));

/** Two shapes that broadcast: axes of one shape, some of them one in either operand, leading ones left out. */
const shapesOf = (length: fc.Arbitrary<number>) =>
  fc
    .array(fc.tuple(length, fc.constantFrom('both', 'a', 'b')), { maxLength: 4 })
    .chain((axes) => fc.tuple(fc.constant(axes), fc.nat(axes.length), fc.nat(axes.length)))
    .map(([axes, dropA, dropB]) => {
      const of = (other: string, drop: number) => {
        const shape = axes.map(([size, who]) => (who === other ? 1 : size));
        const leadingOnes = shape.findIndex((size) => size !== 1);
        return shape.slice(Math.min(drop, leadingOnes < 0 ? shape.length : leadingOnes));
      };
      return [of('b', dropA), of('a', dropB)] as const;
    });
const shapes = shapesOf(length);
/** tfjs' gradients fail where an axis of length one meets one of length zero. */
const nonEmptyShapes = shapesOf(length.filter((size) => size > 0));

describe.each(['add', 'sub', 'mul', 'div', 'squaredDifference', 'maximum', 'minimum'] as const)(
  '%s on wasm',
  (op) => {
    it('agrees with the cpu backend for shapes that broadcast', async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.integer({ min: 0, max: 1e6 }), async ([a, b], s) => {
          await expectSameAsCpu(() => tf[op](randomTensor(a, s), tf.add(randomTensor(b, s + 1), 2)), 1e-6);
        }),
        { numRuns: 100 },
      );
    });
  },
);

// Not squaredDifference, whose gradient in tfjs does not serve broadcasts.
describe.each(['add', 'sub', 'mul', 'div'] as const)('%s on wasm', (op) => {
  it('has the gradients that the cpu backend has', async () => {
    await fc.assert(
      fc.asyncProperty(nonEmptyShapes, fc.integer({ min: 0, max: 1e6 }), async ([a, b], s) => {
        await expectSameAsCpu(() =>
          tf.grads((x, y) => tf.sum(tf.square(tf[op](x!, y!))))([
            randomTensor(a, s),
            tf.add(randomTensor(b, s + 1), 2),
          ]),
        );
      }),
      { numRuns: 50 },
    );
  });
});

it('leaves integers to the stock kernel', () => {
  const sum = tf.tidy(() => tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3, 4], 'int32')));
  expect([sum.dtype, ...sum.dataSync()]).toEqual(['int32', 4, 6]);
});

it('merges the axes of a broadcast', () => {
  expect(broadcastLayout([2, 3], [2, 3], [2, 3])).toEqual([1, 6, 6, 1, 6, 1]);
  expect(broadcastLayout([4, 5, 6], [6], [4, 5, 6])).toEqual([20, 6, 6, 1, 0, 1]);
  expect(broadcastLayout([4, 1], [4, 5], [4, 5])).toEqual([4, 5, 1, 0, 5, 1]);
  expect(broadcastLayout([], [7], [7])).toEqual([1, 7, 1, 0, 7, 1]);
  expect(broadcastLayout([2, 1, 3], [2, 4, 3], [2, 4, 3])).toBeNull();
});
