import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '../index.js';
import { expectSameAsCpu, onBackend, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const shapes = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.constantFrom(33, 300)), {
    minLength: 1,
    maxLength: 4,
  })
  .filter((shape) => shape.reduce((product, size) => product * size, 1) < 20_000);
const types = fc.constantFrom<'float32' | 'int32' | 'bool'>('float32', 'int32', 'bool');

/** Values of a type, from a seed. */
function typedTensor(shape: number[], dtype: 'float32' | 'int32' | 'bool'): tf.Tensor {
  return tf.tidy(() => {
    const values = tf.mul(randomTensor(shape, 1), 100);
    return dtype === 'bool' ? tf.greater(values, 0) : tf.cast(values, dtype);
  });
}

describe('slices on wasm are those of the cpu backend', () => {
  it('of any block', async () => {
    const block = shapes.chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        ends: fc.tuple(...shape.map((size) => fc.tuple(fc.nat(size), fc.nat(size)))),
        cut: fc.subarray(shape.map((_, axis) => axis)),
      }),
    );
    await fc.assert(
      fc.asyncProperty(block, types, async ({ shape, ends, cut }, dtype) => {
        const begin = shape.map((_, axis) => (cut.includes(axis) ? Math.min(...ends[axis]!) : 0));
        const size = shape.map((length, axis) =>
          cut.includes(axis) ? Math.max(...ends[axis]!) - begin[axis]! : length,
        );
        await expectSameAsCpu(() => tf.slice(typedTensor(shape, dtype), begin, size), 0);
      }),
      { numRuns: 150 },
    );
  });

  it('of every piece along an axis', async () => {
    const axis = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1)));
    await fc.assert(
      fc.asyncProperty(axis, fc.nat(100), types, async ([shape, along], at, dtype) => {
        const length = shape[along]!;
        await expectSameAsCpu(() => {
          const x = typedTensor(shape, dtype);
          const first = at % (length + 1);
          return [...tf.split(x, [first, length - first], along), ...tf.unstack(x, along - shape.length)];
        }, 0);
      }),
      { numRuns: 100 },
    );
  });

  it('that indices name', async () => {
    const scenario = shapes.chain((shape) =>
      fc.nat(shape.length - 1).chain((axis) =>
        fc.record({
          shape: fc.constant(shape),
          axis: fc.constant(axis),
          indices: fc.array(fc.nat(shape[axis]! - 1), { maxLength: 20 }),
        }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(scenario, types, async ({ shape, axis, indices }, dtype) => {
        await expectSameAsCpu(
          () => tf.gather(typedTensor(shape, dtype), tf.tensor1d(indices, 'int32'), axis),
          0,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('that indices name batch by batch', async () => {
    await expectSameAsCpu(() => {
      const indices = tf.tensor2d(
        [
          [0, 2],
          [1, 1],
        ],
        [2, 2],
        'int32',
      );
      return tf.gather(randomTensor([2, 3, 4], 1), indices, 1, 1);
    }, 0);
  });
});

it('refuses an index that is out of range', () => {
  const backend = tf.backend();
  const before = backend.numDataIds();
  const run = () => tf.gather(tf.ones([3, 2]), tf.tensor1d([0, 3], 'int32'));
  expect(() => tf.tidy(run)).toThrow('the index value 3 is not in [0, 2]');
  expect(backend.numDataIds()).toBe(before);
});

it('gives tanh from tiny to large arguments', async () => {
  const x = [0, 1e-8, -1e-4, 0.1, -0.24, 0.26, 0.5, -1, 3, -8, 8.9, 9.1, -20, 100, Infinity, -Infinity];
  const [result] = await onBackend('wasm', () => tf.tanh(tf.tensor1d(x)));
  result!.values.forEach((value, i) => {
    expect(Math.abs(value - Math.tanh(x[i]!))).toBeLessThanOrEqual(5e-7 * Math.abs(Math.tanh(x[i]!)));
  });
  expect(tf.tidy(() => tf.tanh(NaN).dataSync()[0])).toBeNaN();
});
