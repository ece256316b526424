import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import './index.js';
import { expectClose, randomValues } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

function scaleBlocks(matrix: tf.Tensor, scale: tf.Tensor, blockShape: number[]): tf.Tensor {
  return tf.engine().runKernel('ScaleBlocks', { matrix, scale }, { blockShape }) as tf.Tensor;
}

function blockDot(a: tf.Tensor, b: tf.Tensor, blockShape: number[]): tf.Tensor {
  return tf.engine().runKernel('BlockDot', { a, b }, { blockShape }) as tf.Tensor;
}

const length = fc.integer({ min: 0, max: 50 });
const block = fc.integer({ min: 1, max: 20 });
const seed = fc.integer({ min: 0, max: 1e6 });

describe('ScaleBlocks', () => {
  it('multiplies every element by the factor of its block, ragged edges included', () => {
    fc.assert(
      fc.property(length, length, block, block, seed, (n, m, br, bc, s) => {
        const grid = [Math.ceil(n / br), Math.ceil(m / bc)] as const;
        const x = randomValues(n * m, s);
        const factors = randomValues(grid[0] * grid[1], s + 1).map((f) => (f < -0.5 ? 0 : f));
        const actual = tf.tidy(() =>
          scaleBlocks(tf.tensor2d(x, [n, m]), tf.tensor2d(factors, [...grid]), [br, bc]).dataSync(),
        );
        const expected = x.map((v, at) => {
          const [i, j] = [Math.floor(at / m), at % m];
          return v * factors[Math.floor(i / br) * grid[1] + Math.floor(j / bc)]!;
        });
        expectClose(
          actual,
          expected.map((v) => v + 0),
          1e-7,
        );
      }),
      { numRuns: 150 },
    );
  });

  it('gives exact zeros where the factor is zero', () => {
    const values = tf.tidy(() => {
      const matrix = tf.tensor2d([Infinity, NaN, -3, 4, 5, 6], [2, 3]);
      return scaleBlocks(matrix, tf.tensor2d([0, 1, 0, 0], [2, 2]), [1, 2]).dataSync();
    });
    expect(Array.from(values)).toEqual([0, 0, -3, 0, 0, 0]);
  });

  it('refuses a scale that is not the grid', () => {
    const run = () => tf.tidy(() => scaleBlocks(tf.ones([4, 4]), tf.ones([2, 3]), [2, 2]));
    expect(run).toThrow("ScaleBlocks: input 'scale' must have the shape [2,2], got [2,3].");
  });

  it('refuses a block shape that is none', () => {
    const run = () => tf.tidy(() => scaleBlocks(tf.ones([4, 4]), tf.ones([2, 2]), [2, 0]));
    expect(run).toThrow('blockShape must be two integers of at least 1, got [2,0]');
  });
});

describe('BlockDot', () => {
  it('sums the products over each block', () => {
    fc.assert(
      fc.property(length, length, block, block, seed, (n, m, br, bc, s) => {
        const columns = Math.ceil(m / bc);
        const a = randomValues(n * m, s);
        const b = randomValues(n * m, s + 1);
        const actual = tf.tidy(() =>
          blockDot(tf.tensor2d(a, [n, m]), tf.tensor2d(b, [n, m]), [br, bc]).dataSync(),
        );
        const expected = new Float64Array(Math.ceil(n / br) * columns);
        const magnitude = new Float64Array(expected.length);
        a.forEach((v, at) => {
          const to = Math.floor(Math.floor(at / m) / br) * columns + Math.floor((at % m) / bc);
          expected[to]! += v * b[at]!;
          magnitude[to]! += Math.abs(v * b[at]!);
        });
        // The terms may cancel: rounding is relative to their magnitudes, not to their sum.
        const error = actual.map((sum, at) => (sum - expected[at]!) / Math.max(magnitude[at]!, 1e-20));
        expect(Math.max(...error.map(Math.abs))).toBeLessThan(1e-6);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps its precision over a million elements', () => {
    const n = 1024;
    const a = randomValues(n * n, 1);
    const exact = a.reduce((sum, v) => sum + v * v, 0);
    const actual = tf.tidy(() => {
      const x = tf.tensor2d(a, [n, n]);
      return blockDot(x, x, [n, n]).dataSync()[0]!;
    });
    expect(Math.abs(actual / exact - 1)).toBeLessThan(1e-6);
  });

  it('refuses operands of different shapes', () => {
    expect(() => tf.tidy(() => blockDot(tf.ones([4, 4]), tf.ones([4, 5]), [2, 2]))).toThrow("input 'b'");
  });
});

describe('ScaleBlocksGrad', () => {
  it('is ScaleBlocks of dy, bit by bit, and BlockDot of dy and the matrix', () => {
    fc.assert(
      fc.property(length, length, block, block, seed, (n, m, br, bc, s) => {
        const grid = [Math.ceil(n / br), Math.ceil(m / bc)] as const;
        const factors = randomValues(grid[0] * grid[1], s + 2).map((f) => (f < -0.5 ? 0 : f));
        tf.tidy(() => {
          const dy = tf.tensor2d(randomValues(n * m, s), [n, m]);
          const matrix = tf.tensor2d(randomValues(n * m, s + 1), [n, m]);
          const scale = tf.tensor2d(factors, [...grid]);
          const [byMatrix, byScale] = tf
            .engine()
            .runKernel('ScaleBlocksGrad', { dy, matrix, scale }, { blockShape: [br, bc] }) as tf.Tensor[];
          expect(byScale!.shape).toEqual([...grid]);
          const plusZero = (x: tf.Tensor) => x.dataSync().map((v) => v + 0);
          expect(plusZero(byMatrix!)).toEqual(plusZero(scaleBlocks(dy, scale, [br, bc])));
          const magnitudes = blockDot(dy.abs(), matrix.abs(), [br, bc]).dataSync();
          const expected = blockDot(dy, matrix, [br, bc]).dataSync();
          const error = byScale!.dataSync().map((v, at) => (v - expected[at]!) / (magnitudes[at]! || 1));
          expect(Math.max(0, ...error.map(Math.abs))).toBeLessThan(1e-6);
        });
      }),
      { numRuns: 150 },
    );
  });

  it('gives exact zeros where the factor is zero, whatever flows back', () => {
    const [byMatrix] = tf.tidy(() => {
      const inputs = {
        dy: tf.tensor2d([[Infinity, NaN, 3, 4, 5]]),
        matrix: tf.ones([1, 5]),
        scale: tf.zeros([1, 1]),
      };
      const outputs = tf.engine().runKernel('ScaleBlocksGrad', inputs, { blockShape: [1, 5] }) as tf.Tensor[];
      return outputs.map((x) => Array.from(x.dataSync()));
    });
    expect(byMatrix).toEqual([0, 0, 0, 0, 0]);
  });

  it('refuses a gradient of another shape', () => {
    const inputs = () => ({ dy: tf.ones([4, 5]), matrix: tf.ones([4, 4]), scale: tf.ones([2, 2]) });
    const run = () =>
      tf.tidy(() => tf.engine().runKernel('ScaleBlocksGrad', inputs(), { blockShape: [2, 2] }));
    expect(run).toThrow("ScaleBlocksGrad: input 'dy' must have the shape [4,4], got [4,5].");
  });
});
