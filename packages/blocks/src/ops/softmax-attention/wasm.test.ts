import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import './index.js';
import { expectClose, randomValues } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

interface Settings extends tf.NamedAttrMap {
  temperature: number;
  minimum: number;
  maximum: number;
}

function attention(logits: Float32Array, settings: Settings): number[] {
  return tf.tidy(() => {
    const out = tf.engine().runKernel('SoftmaxAttention', { logits: tf.tensor(logits) }, settings);
    return Array.from((out as tf.Tensor).dataSync());
  });
}

function gradient(dy: Float32Array, logits: Float32Array, settings: Settings): number[] {
  return tf.tidy(() => {
    const inputs = { dy: tf.tensor(dy), logits: tf.tensor(logits) };
    const out = tf.engine().runKernel('SoftmaxAttentionGrad', inputs, settings);
    return Array.from((out as tf.Tensor).dataSync());
  });
}

/** The definition, in double precision. */
function unclipped(logits: Float32Array, temperature: number): number[] {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (l) => Math.exp((l - largest) / temperature));
  const total = powers.reduce((sum, e) => sum + e, 0);
  return powers.map((e) => (e / total) * logits.length);
}

const sizes = fc.integer({ min: 1, max: 70 });
const temperatures = fc.constantFrom(0.25, 1, 3);
const seeds = fc.integer({ min: 0, max: 1e6 });

describe('SoftmaxAttention', () => {
  it('is the softmax, at mean 1, clipped', () => {
    fc.assert(
      fc.property(sizes, temperatures, seeds, (size, temperature, seed) => {
        const logits = randomValues(size, seed).map((l) => 2 * l);
        const settings = { temperature, minimum: 0.3, maximum: 2.5 };
        const expected = unclipped(logits, temperature).map((a) => Math.min(Math.max(a, 0.3), 2.5));
        expectClose(attention(logits, settings), expected, 1e-5);
      }),
      { numRuns: 100 },
    );
  });

  it.each([1, 2, 3, 7, 49, 103, 1568])('is exactly 1 for %s equal logits', (size) => {
    const settings = { temperature: 0.7, minimum: 0.1, maximum: 10 };
    expect(new Set(attention(new Float32Array(size).fill(0.3), settings))).toEqual(new Set([1]));
  });

  it('stays finite for logits far apart, and is NaN where one is', () => {
    const settings = { temperature: 1, minimum: 0, maximum: 100 };
    expectClose(attention(Float32Array.of(1000, -1000, 0, 1000, 0), settings), [2.5, 0, 0, 2.5, 0], 1e-6);
    expect(attention(Float32Array.of(0, Number.NaN), settings)).toEqual([Number.NaN, Number.NaN]);
  });

  it('of nothing is nothing', () => {
    expect(attention(new Float32Array(0), { temperature: 1, minimum: 0, maximum: 1 })).toEqual([]);
  });
});

describe('SoftmaxAttentionGrad', () => {
  it('is that of finite differences of the definition, no gradient through what is clipped', () => {
    fc.assert(
      fc.property(sizes, temperatures, seeds, (size, temperature, seed) => {
        const logits = randomValues(size, seed).map((l) => temperature * l);
        const dy = randomValues(size, seed + 1);
        const [minimum, maximum] = [0.3, 2.5];
        const plain = unclipped(logits, temperature);
        // Within a step of the limits the derivative jumps: finite differences do not tell it.
        fc.pre(plain.every((a) => Math.abs(a - minimum) > 1e-2 && Math.abs(a - maximum) > 1e-2));
        const within = (i: number) => plain[i]! >= minimum && plain[i]! <= maximum;
        const loss = (values: Float64Array) =>
          unclipped(values as unknown as Float32Array, temperature).reduce(
            (sum, a, i) => sum + (within(i) ? a * dy[i]! : 0),
            0,
          );
        const step = 1e-5;
        const expected = Array.from(logits, (_, i) => {
          const moved = (by: number) => Float64Array.from(logits, (l, j) => (i === j ? l + by : l));
          return (loss(moved(step)) - loss(moved(-step))) / (2 * step);
        });
        const actual = gradient(dy, logits, { temperature, minimum, maximum });
        const scale = Math.max(...plain) / temperature;
        actual.forEach((g, i) => expect(Math.abs(g - expected[i]!)).toBeLessThan(1e-4 * scale));
      }),
      { numRuns: 100 },
    );
  });
});
