import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import '../index.js';
import { broadcastIndices } from './matmul.js';
import {
  expectClose,
  expectGradients,
  expectSameAsCpu,
  onBackend,
  randomTensor,
  randomValues,
} from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

/** Sizes that meet the edges of the register tile (4, 8) and of the blocks (128, 256, 512). */
const size = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(127, 128, 129, 255, 257, 511, 513, 530) },
);
const seed = fc.integer({ min: 0, max: 1e6 });

/** op(a) · op(b) in double precision, by the definition. */
function product(
  a: Float32Array,
  b: Float32Array,
  [m, k, n]: [number, number, number],
  transposeA: boolean,
  transposeB: boolean,
): number[] {
  const out = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) {
        sum += a[transposeA ? p * m + i : i * k + p]! * b[transposeB ? j * k + p : p * n + j]!;
      }
      out.push(sum);
    }
  }
  return out;
}

describe('BatchMatMul on wasm', () => {
  it('is the sum of products by the definition, in all four transpositions', () => {
    fc.assert(
      fc.property(size, size, size, fc.boolean(), fc.boolean(), seed, (m, k, n, tA, tB, s) => {
        const a = randomValues(m * k, s);
        const b = randomValues(k * n, s + 1);
        const actual = tf.tidy(() =>
          tf
            .matMul(tf.tensor2d(a, tA ? [k, m] : [m, k]), tf.tensor2d(b, tB ? [n, k] : [k, n]), tA, tB)
            .dataSync(),
        );
        expectClose(actual, product(a, b, [m, k, n], tA, tB));
      }),
      { numRuns: 150 },
    );
  });

  it.each([
    [[3], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [[1], [4]],
    [[4], [1]],
    [
      [2, 1],
      [1, 3],
    ],
    [[3], [2, 3]],
    [[], [5]],
    [[0], [1]],
    [[2, 0], [1]],
  ])('multiplies batches %j and %j as broadcasting pairs them', async (batchA, batchB) => {
    const a = randomTensor([...batchA, 5, 7], 1);
    const b = randomTensor([...batchB, 7, 9], 2);
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
    const whole = tf.matMul(a, b);
    expect(whole.shape).toEqual([...batch, 5, 9]);
    const copies = (x: tf.Tensor, own: number[], tail: number[]) =>
      tf.broadcastTo(tf.reshape(x, [...own, ...tail]), [...batch, ...tail]).dataSync() as Float32Array;
    const allA = copies(a, batchA, [5, 7]);
    const allB = copies(b, batchB, [7, 9]);
    const expected = Array.from({ length: tf.util.sizeFromShape(batch) }, (_, i) =>
      product(allA.slice(i * 35, i * 35 + 35), allB.slice(i * 63, i * 63 + 63), [5, 7, 9], false, false),
    ).flat();
    expectClose(whole.dataSync(), expected);
    tf.dispose([a, b, whole]);
  });

  it('lists broadcast matrices in row-major order', () => {
    expect(broadcastIndices([2, 1], [2, 3])).toEqual([0, 0, 0, 1, 1, 1]);
    expect(broadcastIndices([3], [2, 3])).toEqual([0, 1, 2, 0, 1, 2]);
    expect(broadcastIndices([], [2])).toEqual([0, 0]);
    expect(broadcastIndices([0], [0])).toEqual([]);
    expect(broadcastIndices([], [1, 1])).toEqual([0]);
  });

  it('refuses inner dimensions that differ', () => {
    const run = () =>
      tf.engine().runKernel(
        'BatchMatMul',
        { a: tf.ones([2, 3]), b: tf.ones([4, 2]) },
        {
          transposeA: false,
          transposeB: false,
        },
      );
    expect(() => tf.tidy(() => run() as tf.Tensor)).toThrow('inner dimensions 3 and 4 differ');
  });

  it('leaves other types to the stock kernel', () => {
    const run = () => tf.matMul(tf.ones([2, 2], 'int32'), tf.ones([2, 2], 'int32'));
    expect(() => tf.tidy(run)).toThrow('non-float32');
  });

  it('gives the same bits in every run', () => {
    const a = randomTensor([130, 300], 1);
    const b = randomTensor([77, 300], 2);
    const run = () => tf.tidy(() => tf.matMul(a, b, false, true).dataSync());
    const first = run();
    for (let i = 0; i < 5; i++) expect(run()).toEqual(first);
    tf.dispose([a, b]);
  });

  it('stays right when the memory grows between operands and result', () => {
    const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
    const a = randomTensor([64, 64], 1);
    const before = backend.wasm.HEAPU8.byteLength;
    const first = tf.tidy(() => tf.matMul(a, a, true).dataSync());
    const ballast: tf.Tensor[] = [];
    while (backend.wasm.HEAPU8.byteLength === before) ballast.push(tf.zeros([1 << 20]));
    const again = tf.tidy(() => tf.matMul(a, a, true).dataSync());
    expect(again).toEqual(first);
    // A result that is itself too large for the memory there is.
    const column = tf.ones([8192, 1]);
    const grown = backend.wasm.HEAPU8.byteLength;
    const outer = tf.matMul(column, column, false, true);
    expect(backend.wasm.HEAPU8.byteLength).toBeGreaterThan(grown);
    const range = tf.tidy(() => [tf.min(outer).dataSync()[0], tf.max(outer).dataSync()[0]] as never);
    expect(range).toEqual([1, 1]);
    tf.dispose([a, column, outer, ballast]);
  });
});

describe('_FusedMatMul on wasm', () => {
  const activations = ['linear', 'relu', 'relu6', 'elu', 'leakyrelu', 'prelu', 'sigmoid'] as const;

  it('agrees with the cpu backend for every activation, with and without a bias', async () => {
    const activation = fc.constantFrom(...activations);
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size, size, size),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        activation,
        seed,
        async ([m, k, n], tA, tB, withBias, act, s) => {
          await expectSameAsCpu(() =>
            tf.fused.matMul({
              a: randomTensor(tA ? [k, m] : [m, k], s),
              b: randomTensor(tB ? [n, k] : [k, n], s + 1),
              transposeA: tA,
              transposeB: tB,
              activation: act,
              ...(withBias && { bias: randomTensor([n], s + 2) }),
              ...(act === 'prelu' && { preluActivationWeights: randomTensor([1, n], s + 3) }),
              ...(act === 'leakyrelu' && { leakyreluAlpha: 0.3 }),
            }),
          );
        },
      ),
      { numRuns: 120 },
    );
  });

  it.each(['sigmoid', 'elu'] as const)(
    'keeps %s accurate from tiny to large arguments',
    async (activation) => {
      const x = [
        0, -1e-6, 1e-6, -1e-3, -0.1, -0.49, -0.51, -1, -5, -20, -86, -87, -88, -100, 1, 5, 20, 87, 89, 100,
      ];
      const values = await onBackend('wasm', () =>
        tf.fused.matMul({ a: tf.tensor2d(x, [x.length, 1]), b: tf.ones([1, 1]), activation }),
      );
      const exact = x.map((v) => {
        if (activation === 'sigmoid') return 1 / (1 + Math.exp(-v));
        return v < 0 ? Math.expm1(v) : v;
      });
      values[0]!.values.forEach((v, i) => {
        expect(Math.abs(v - exact[i]!)).toBeLessThanOrEqual(1e-6 * Math.abs(exact[i]!) + 1.2e-38);
      });
    },
  );

  it('adds a bias of any shape, by what @espalier/gradients puts in the place of the stock kernel', () => {
    const bias = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const run = () => tf.fused.matMul({ a: tf.ones([2, 2]), b: tf.ones([2, 3]), bias: bias as never });
    expect([...tf.tidy(run).dataSync()]).toEqual([3, 4, 5, 6, 7, 8]);
  });
});

describe('a dense network on wasm', () => {
  it('has the gradients that finite differences give', () => {
    const x = randomTensor([9, 5], 1);
    const target = randomTensor([9, 3], 2);
    const weights = [randomTensor([5, 7], 3), randomTensor([7], 4), randomTensor([7, 3], 5)];
    const loss = (w1: tf.Tensor, b1: tf.Tensor, w2: tf.Tensor): tf.Scalar => {
      const hidden = tf.tanh(tf.add(tf.matMul(x, w1), b1));
      return tf.mean(tf.square(tf.sub(tf.matMul(hidden, w2), target)));
    };
    expectGradients(loss as never, weights);
    tf.dispose([x, target, weights]);
  });
});
