import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sgd, softmaxCrossEntropy } from '../index.js';
import { expectSameAsCpu, randomTensor } from '../test-support.js';
import { copiedForProduct, divide, divideProduct, pays } from './division.js';
import { useThreads } from './index.js';
import { Team } from './team.js';

it('needs the backend, and a number of threads', async () => {
  await expect(useThreads()).rejects.toThrow("start the wasm backend first: await tf.setBackend('wasm')");
  await expect(useThreads(0)).rejects.toThrow('threads must be a whole number of at least 1, got 0.');
  await expect(useThreads(1.5)).rejects.toThrow('got 1.5.');
});

describe('a division', () => {
  it('gives everything to one thread, in order', () => {
    const integer = (min: number, max: number) => fc.integer({ min, max });
    fc.assert(
      fc.property(integer(0, 99), integer(2, 9), fc.constantFrom(1, 8, 12), (length, threads, unit) => {
        const bounds = divide(length, threads, unit);
        expect(bounds).toHaveLength(threads + 1);
        expect([bounds[0], bounds[threads]]).toEqual([0, length]);
        expect([...bounds].sort((x, y) => x - y)).toEqual(bounds);
      }),
    );
  });

  it('of a product cuts along the longer side, into parts of one size', () => {
    const [straight, transposed] = [false, true].map((flag) => ({ transposeA: flag, transposeB: flag }));
    expect(divideProduct({ ...straight!, m: 128, n: 512, k: 784 }, 2)).toEqual({
      byRows: false,
      bounds: [0, 256, 512],
    });
    expect(divideProduct({ ...transposed!, m: 784, n: 512, k: 128 }, 3)).toEqual({
      byRows: true,
      bounds: [0, 256, 520, 784],
    });
  });

  it('of a product copies what the others read, and no more where that is one run', () => {
    const product = { transposeA: false, transposeB: true, m: 2, n: 32, k: 5 };
    expect(copiedForProduct(product, divideProduct(product, 2))).toEqual({
      a: [0, 10],
      b: [80, 160],
      c: [
        [16, 32],
        [48, 64],
      ],
    });
    const tall = { transposeA: false, transposeB: false, m: 36, n: 3, k: 5 };
    const runs = copiedForProduct(tall, divideProduct(tall, 3));
    expect(runs).toEqual({ a: [60, 180], b: [0, 15], c: [[36, 108]] });
  });

  it('pays where much is computed of little that is copied, and more than one thread works', () => {
    expect(pays([0, 8, 16], 1e6, 1e4)).toBe(true);
    expect(pays([0, 8, 16], 1e6, 1e7)).toBe(false);
    expect(pays([0, 8, 16], 100, 0)).toBe(false);
    expect(pays([0, 0, 0, 16], 1e6, 1e4)).toBe(false);
  });
});

describe('a team', () => {
  it('says that a thread failed, and does not wait for it', async () => {
    const team = await Team.start(2);
    const beyond = 2 ** 31 - 64;
    const part = [false, false, 16, 16, 16, beyond, 16, beyond, 16, beyond, 16, false, team.scratchOf(1)];
    expect(() =>
      team.run(
        'multiplyMatrices',
        () => part,
        () => {},
      ),
    ).toThrow('A thread of useThreads failed. useThreads(1)');
    await team.stop();
  });

  it('has no memory for what does not fit', async () => {
    const team = await Team.start(2);
    expect(team.reserve(2 ** 31)).toBeNull();
    expect(team.reserve(16, 16)).toHaveLength(2);
    await team.stop();
  });
});

describe('useThreads', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });
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
