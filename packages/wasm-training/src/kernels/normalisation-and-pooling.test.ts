import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import '../index.js';
import { expectGradients, expectSameAsCpu, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const seed = fc.integer({ min: 0, max: 1e6 });
const size = fc.integer({ min: 1, max: 9 });
const channels = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 21));

// Differentiated with scale and offset only: without them tfjs' batchNorm has no gradient on any backend.
describe('batchNorm on wasm', () => {
  const shapes = fc.tuple(fc.integer({ min: 0, max: 4 }), size, size, channels);

  /** Inputs are x, mean, variance, scale and offset. */
  function normalise(...inputs: tf.Tensor[]): tf.Tensor {
    const [x, mean, variance, scale, offset] = inputs as tf.Tensor1D[];
    return tf.batchNorm(x!, mean!, variance!, offset, scale, 1e-3);
  }

  /** Inputs are x, scale and offset. */
  function normaliseByMoments(...inputs: tf.Tensor[]): tf.Tensor {
    const [x, scale, offset] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    return normalise(x, mean, variance, scale, offset);
  }

  it('agrees with the cpu backend, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, seed, async (shape, s) => {
        const perChannel = (i: number) => randomTensor([shape[3]], s + i);
        await expectSameAsCpu(() => {
          const variance = tf.add(perChannel(2), 1.2);
          const inputs = [randomTensor(shape, s), perChannel(1), variance, perChannel(3), perChannel(4)];
          const loss = (...all: tf.Tensor[]) => tf.sum(tf.square(normalise(...all))) as tf.Scalar;
          return [normalise(...inputs), ...tf.grads(loss as never)(inputs)];
        });
      }),
      { numRuns: 100 },
    );
  });

  it('agrees with the cpu backend without scale and offset', async () => {
    await expectSameAsCpu(() => normalise(randomTensor([5, 7], 1), randomTensor([7], 2), tf.ones([7])));
  });

  it('agrees with the cpu backend over many rows', async () => {
    await expectSameAsCpu(() => {
      const weight = randomTensor([8, 16, 17, 16], 2);
      const loss = (...all: tf.Tensor[]) => tf.sum(tf.mul(normaliseByMoments(...all), weight)) as tf.Scalar;
      return tf.grads(loss as never)([randomTensor([8, 16, 17, 16], 1), tf.ones([16]), tf.zeros([16])]);
    });
  });

  it('has the gradients of finite differences, through the moments', () => {
    const inputs = [randomTensor([3, 2, 2, 5], 1), randomTensor([5], 2), randomTensor([5], 3)];
    const weight = randomTensor([3, 2, 2, 5], 4);
    expectGradients((...all) => {
      return tf.sum(tf.mul(tf.square(normaliseByMoments(...all)), weight)) as tf.Scalar;
    }, inputs);
    tf.dispose([inputs, weight]);
  });

  it('leaves statistics of another shape to the stock kernel', async () => {
    await expectSameAsCpu(() => {
      const inputs = [1, 2, 3, 4, 5].map((s) => tf.add(randomTensor([2, 3, 3, 4], s), 2));
      const loss = (...all: tf.Tensor[]) => tf.sum(tf.square(normalise(...all))) as tf.Scalar;
      return tf.grads(loss as never)(inputs);
    });
  });
});

describe.each(['maxPool', 'avgPool'] as const)('the gradient of %s on wasm', (op) => {
  const pooling = fc
    .record({
      shape: fc.tuple(fc.integer({ min: 1, max: 3 }), size, size, channels),
      filter: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    })
    .filter(({ shape, filter, pad }) => pad === 'same' || (shape[1] >= filter[0] && shape[2] >= filter[1]));

  it('agrees with the cpu backend', async () => {
    // The cpu backend averages the gradient over padding too, though not the output.
    const comparable = op === 'maxPool' ? pooling : pooling.filter(({ pad }) => pad === 'valid');
    await fc.assert(
      fc.asyncProperty(comparable, seed, async ({ shape, filter, strides, pad }, s) => {
        await expectSameAsCpu(() =>
          tf.grad((x) => tf.sum(tf.square(tf[op](x as tf.Tensor4D, filter, strides, pad))))(
            randomTensor(shape, s),
          ),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('is that of finite differences', () => {
    // Distinct values, further apart than the step, so that no maximum changes hands.
    const x = tf.tidy(() =>
      tf.mul(
        tf.reshape(tf.tensor1d(Array.from({ length: 60 }, (_, i) => (i * 37) % 61)), [1, 5, 4, 3]),
        0.05,
      ),
    );
    expectGradients(
      (v) => tf.sum(tf.square(tf[op](v as tf.Tensor4D, [3, 2], [2, 1], 'same'))) as tf.Scalar,
      [x],
    );
    tf.dispose(x);
  });
});
