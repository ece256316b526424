import { memoryOf, type WasmBackend } from '@espalier/wasm-module';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sgd, softmaxCrossEntropy } from '../index.js';
import { kernelsOf } from '../kernels.js';
import type { ThreadedMultiplier } from '../product.js';
import { expectSameAsCpu, randomTensor, randomValues } from '../test-support.js';
import { copiedFor, divide, pays } from './division.js';
import { useThreads } from './index.js';
import { Team, type Part } from './team.js';
import { threadedProducts } from './threaded-products.js';

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;
const size = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 12, 96, 130));
const shape = fc.record({ transposeA: fc.boolean(), transposeB: fc.boolean(), m: size, n: size, k: size });

it('needs the backend, and a number of threads', async () => {
  await expect(useThreads()).rejects.toThrow("start the wasm backend first: await tf.setBackend('wasm')");
  await expect(useThreads(0)).rejects.toThrow('threads must be a whole number of at least 1, got 0.');
  await expect(useThreads(1.5)).rejects.toThrow('got 1.5.');
});

describe('a division', () => {
  it('gives each row or column of C to one thread, in order', () => {
    fc.assert(
      fc.property(shape, fc.integer({ min: 2, max: 9 }), (product, threads) => {
        const { byRows, bounds } = divide(product, threads);
        expect(bounds).toHaveLength(threads + 1);
        expect(bounds[0]).toBe(0);
        expect(bounds[threads]).toBe(byRows ? product.m : product.n);
        expect([...bounds].sort((x, y) => x - y)).toEqual(bounds);
      }),
    );
  });

  it('cuts along the longer side, into parts of one size', () => {
    const [straight, transposed] = [false, true].map((flag) => ({ transposeA: flag, transposeB: flag }));
    expect(divide({ ...straight!, m: 128, n: 512, k: 784 }, 2)).toEqual({
      byRows: false,
      bounds: [0, 256, 512],
    });
    expect(divide({ ...transposed!, m: 784, n: 512, k: 128 }, 3)).toEqual({
      byRows: true,
      bounds: [0, 256, 520, 784],
    });
  });

  it('copies what the others read, and no more where that is one run', () => {
    const product = { transposeA: false, transposeB: true, m: 2, n: 32, k: 5 };
    expect(copiedFor(product, divide(product, 2))).toEqual({
      a: [0, 10],
      b: [80, 160],
      c: [
        [16, 32],
        [48, 64],
      ],
    });
    const tall = { transposeA: false, transposeB: false, m: 36, n: 3, k: 5 };
    expect(copiedFor(tall, divide(tall, 3))).toEqual({ a: [60, 180], b: [0, 15], c: [[36, 108]] });
  });

  it('pays for large products alone', () => {
    const square = (length: number) => ({
      transposeA: false,
      transposeB: false,
      m: length,
      n: length,
      k: length,
    });
    expect([8, 64, 1024].map((length) => pays(square(length), 2))).toEqual([false, false, true]);
    // One row: every float of B would be copied for a single multiply-add.
    expect(pays({ ...square(4096), m: 1 }, 8)).toBe(false);
  });
});

describe('products on several threads', () => {
  const teams: Team[] = [];

  beforeAll(async () => {
    await tf.setBackend('wasm');
    teams.push(await Team.start(2), await Team.start(3));
  });

  afterAll(async () => {
    await Promise.all(teams.map((team) => team.stop()));
  });

  it('are those of one, to the last bit', () => {
    fc.assert(
      fc.property(
        shape,
        fc.boolean(),
        fc.constantFrom(0, 1),
        fc.integer(),
        (product, accumulate, t, seed) => {
          const { transposeA, transposeB, m, n, k } = product;
          const { exports, scratch, workspace } = kernelsOf(backend());
          const a = workspace(4 * (m * k + k * n + m * n));
          const [b, c] = [a + 4 * m * k, a + 4 * (m * k + k * n)];
          const values = randomValues(m * k + k * n + m * n, seed);
          const result = (multiply: () => void) => {
            const { buffer } = memoryOf(backend());
            new Float32Array(buffer, a, values.length).set(values);
            multiply();
            return new Float32Array(buffer, a, values.length).slice();
          };
          const expected = result(() =>
            exports.gemm(transposeA, transposeB, m, n, k, a, b, c, accumulate, 0, 0, 0, 0, scratch),
          );
          const threaded: ThreadedMultiplier = threadedProducts(backend(), teams[t]!);
          const actual = result(() =>
            threaded.multiply(transposeA, transposeB, m, n, k, a, b, c, accumulate),
          );
          expect(actual).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('fall back to one thread where the shared memory is full', () => {
    const { workspace } = kernelsOf(backend());
    const [m, n, k] = [24, 16, 8];
    const a = workspace(4 * (m * k + k * n + m * n));
    const [b, c] = [a + 4 * m * k, a + 4 * (m * k + k * n)];
    const memory = new Float32Array(memoryOf(backend()).buffer);
    memory.fill(1, a / 4, c / 4);
    memory.fill(0, c / 4, c / 4 + m * n);
    const full = { size: 2, reserve: () => null } as unknown as Team;
    threadedProducts(backend(), full).multiply(false, false, m, n, k, a, b, c, false);
    expect(new Set(memory.subarray(c / 4, c / 4 + m * n))).toEqual(new Set([k]));
    expect(teams[0]!.reserve(2 ** 31)).toBeNull();
  });

  it('say that a thread failed, and do not wait for it', async () => {
    const team = await Team.start(2);
    const beyond = 2 ** 31 - 64;
    const part: Part = [false, false, 16, 16, 16, beyond, 16, beyond, 16, beyond, 16, false];
    expect(() => team.run([part], () => {})).toThrow('A thread of useThreads failed. useThreads(1)');
    await team.stop();
  });
});

describe('useThreads', () => {
  afterAll(() => useThreads(1));

  it('multiplies batches with bias and activation as the cpu backend does', async () => {
    expect(await useThreads(2)).toBe(2);
    await expectSameAsCpu(() => {
      const x = randomTensor([2, 150, 300], 1) as tf.Tensor3D;
      const w = randomTensor([1, 300, 400], 2) as tf.Tensor3D;
      return tf.matMul(x, w);
    });
    await expectSameAsCpu(() =>
      tf.fused.matMul({
        a: randomTensor([200, 300], 3) as tf.Tensor2D,
        b: randomTensor([400, 300], 4) as tf.Tensor2D,
        transposeB: true,
        bias: randomTensor([400], 5),
        activation: 'relu',
      }),
    );
  });

  it('trains to the same bits as one thread, and leaks nothing', async () => {
    const inputs = randomTensor([128, 600], 1);
    const labels = tf.oneHot(tf.range(0, 128, 1, 'int32').mod(10).toInt(), 10).toFloat();
    const losses = () => {
      const model = tf.sequential({
        layers: [600, 512, 10].slice(1).map((units, i) =>
          tf.layers.dense({
            units,
            kernelInitializer: tf.initializers.heNormal({ seed: i + 1 }),
            ...(i === 0 && { inputShape: [600], activation: 'relu' as const }),
          }),
        ),
      });
      const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
      const values: number[] = [];
      const counts: number[] = [];
      for (let i = 0; i < 10; i++) {
        const loss = optimizer.minimize(
          () => softmaxCrossEntropy(labels as tf.Tensor2D, model.apply(inputs) as tf.Tensor2D),
          true,
        )!;
        values.push(loss.dataSync()[0]!);
        loss.dispose();
        counts.push(tf.memory().numTensors);
      }
      expect(new Set(counts.slice(1)).size).toBe(1);
      optimizer.dispose();
      model.dispose();
      return values;
    };
    await useThreads(1);
    const alone = losses();
    await useThreads(3);
    const together = losses();
    tf.dispose([inputs, labels]);
    expect(together).toEqual(alone);
    expect(alone.at(-1)).toBeLessThan(alone[0]!);
  });

  it('lets the process end', () => {
    const script = `
      import * as tf from '@tensorflow/tfjs';
      import '@tensorflow/tfjs-backend-wasm';
      import { useThreads } from '@espalier/training-kernels/threads';
      await tf.setBackend('wasm');
      await useThreads(2);
      console.log(tf.matMul(tf.ones([512, 512]), tf.ones([512, 512])).max().dataSync()[0]);`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect(output.trim().split('\n').at(-1)).toBe('512');
  });
});
