/** What the table does not tell of softmax attention: exactness, the ends of the number range, what is refused. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import '../../backends/cpu.js';
import '../../backends/wasm.js';
import { withoutKernels } from '../../test-table.js';
import { expectClose, finiteDifferences, randomTensor } from '../../test-support.js';
import { attentionWeights, type AttentionAttributes } from './index.js';

type By = (run: () => void) => Promise<void>;
const inTidy: By = (run) => Promise.resolve(tf.tidy(() => void run()));
const composed: By = (run) => withoutKernels(tf.getBackend(), () => inTidy(run));
const ways: [string, string, By][] = [
  ['the kernel on cpu', 'cpu', inTidy],
  ['the kernel on wasm', 'wasm', inTidy],
  ['the composition on cpu', 'cpu', composed],
  ['the composition on wasm', 'wasm', composed],
];

const attention = (logits: number[] | Float32Array, attributes: Partial<AttentionAttributes> = {}) =>
  Array.from(attentionWeights(tf.tensor1d(logits), attributes).dataSync());

describe.each(ways)('by %s', (way, backend, by) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([1, 2, 3, 7, 49, 103, 1568])('it is exactly 1 for %s equal logits', (size) =>
    by(() => {
      const weights = attention(new Float32Array(size).fill(0.3), { temperature: 0.7 });
      expect(new Set(weights)).toEqual(new Set([1]));
    }),
  );

  it('it stays finite for logits far apart, and is NaN where one is', () =>
    by(() => {
      expectClose(tf.tensor1d(attention([1000, -1000, 0, 1000, 0])), [2.5, 0, 0, 2.5, 0], 1e-6);
      // tfjs' own clipping on wasm (4.22) makes the least of NaN.
      if (way === 'the composition on wasm') return;
      expect(attention([0, Number.NaN])).toEqual([Number.NaN, Number.NaN]);
      expect(attention([0, Number.NaN], { normalised: false })).toEqual([1, Number.NaN]);
    }));

  it('an exponential that overflows is clipped, and passes no gradient', () =>
    by(() => {
      const attributes = { normalised: false, maximum: 10 };
      expect(attention([0, 1000], attributes)).toEqual([1, 10]);
      const gradient = tf.grad((logits) => attentionWeights(logits, attributes))(tf.tensor1d([0, 1000]));
      expect(Array.from(gradient.dataSync())).toEqual([1, 0]);
    }));

  it('of nothing it is nothing', () => by(() => expect(attention([])).toEqual([])));

  it.each([true, false])('its gradient has a gradient: second derivatives, normalised: %s', (normalised) =>
    by(() => {
      const attributes = { normalised, temperature: 0.8, minimum: 0.1, maximum: 3 };
      const weight = randomTensor([7], 3);
      const slope = (logits: tf.Tensor) =>
        tf
          .grad((logits) => attentionWeights(logits, attributes).square().mul(weight).sum())(logits)
          .square()
          .sum() as tf.Scalar;
      const logits = randomTensor([7], 1);
      expectClose(tf.grad(slope)(logits), finiteDifferences(slope, [logits])[0]!, 5e-3);
    }),
  );
});

describe('what does not fit', () => {
  it.each([
    [{ temperature: 0 }, 'temperature τ = 0 is not a finite number above 0'],
    [{ temperature: Infinity }, 'temperature τ = Infinity'],
    [{ minimum: 2, maximum: 1 }, 'cannot be clipped to [2, 1]: the bounds are 0 ≤ low ≤ high'],
    [{ minimum: -1 }, 'cannot be clipped to [-1, '],
    [{ maximum: NaN }, 'cannot be clipped to [0, NaN]'],
  ])('is refused: %o', (attributes, message) => {
    expect(() => tf.tidy(() => void attention([1, 2], attributes))).toThrow(message);
  });

  it('is refused: logits of another type', () => {
    expect(() => tf.tidy(() => attentionWeights(tf.tensor1d([1, 2], 'int32')))).toThrow(
      'logits is of int32: attention is of float32',
    );
  });
});
