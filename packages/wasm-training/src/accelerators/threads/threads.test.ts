import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { expectSameAsCpu, randomTensor } from '../../test-support.js';
import { link } from '../../wasm/link.js';
import { AcceleratorError } from '../accelerator.js';
import { useAccelerators } from '../index.js';
import { divide, divideProduct, operandsOfOthers, pays, resultsOfOthers } from './division.js';
import { Team } from './team.js';

/** So many threads, this one among them. */
const useThreads = (threads: number) =>
  threads === 1 ? useAccelerators('off') : useAccelerators(['threads'], { threads });

describe('a division', () => {
  it('gives each piece to one thread, in order, the fewest to the first', () => {
    const integer = (min: number, max: number) => fc.integer({ min, max });
    fc.assert(
      fc.property(integer(0, 99), integer(2, 9), fc.constantFrom(1, 8, 12), (length, threads, unit) => {
        const bounds = divide(length, threads, unit);
        expect(bounds).toHaveLength(threads + 1);
        expect([bounds[0], bounds[threads]]).toEqual([0, length]);
        const parts = bounds.slice(1).map((end, i) => end - bounds[i]!);
        expect(Math.min(...parts)).toBe(parts[0]! > 0 ? parts[0] : 0);
        expect(Math.max(...parts)).toBeLessThanOrEqual(unit * Math.ceil(length / unit / threads));
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
    const division = divideProduct(product, 2);
    expect(operandsOfOthers(product, division)).toEqual({ a: [0, 10], b: [80, 160] });
    expect(resultsOfOthers(product, division)).toEqual([
      [16, 32],
      [48, 64],
    ]);
    const tall = { transposeA: false, transposeB: false, m: 36, n: 3, k: 5 };
    const byRows = divideProduct(tall, 3);
    expect(operandsOfOthers(tall, byRows)).toEqual({ a: [60, 180], b: [0, 15] });
    expect(resultsOfOthers(tall, byRows)).toEqual([[36, 108]]);
  });

  it('pays where much is computed of little that is copied, and more than one thread works', () => {
    expect(pays([0, 8, 16], 1e6, 1e4)).toBe(true);
    expect(pays([0, 8, 16], 1e6, 1e7)).toBe(false);
    expect(pays([0, 8, 16], 100, 0)).toBe(false);
    expect(pays([0, 0, 0, 16], 1e6, 1e4)).toBe(false);
  });
});

describe('a team', () => {
  const moduleFor = (memory: WebAssembly.Memory) =>
    link({ wasm: { wasmMemory: memory, ...noHeap } }).moduleFor(memory);
  const noHeap = { _malloc: () => 1024, _free: () => {} };
  const beyond = 2 ** 31 - 64;
  const outside = [false, false, 16, 16, 16, beyond, 16, beyond, 16, beyond, 16, false, 1024];
  const nothing = [false, false, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 1024];

  it('says that a thread failed, and does not wait for it', async () => {
    const team = await Team.start(2, moduleFor);
    const run = () =>
      team.run(
        'multiplyMatrices',
        () => outside,
        () => {},
      );
    expect(run).toThrow(
      "A worker thread could not do its part of multiplyMatrices: useAccelerators('off') goes on",
    );
    await team.stop();
    expect(run).toThrow('ended, or gave no sign');
  });

  it('ends its round also when the part of this thread fails', async () => {
    const team = await Team.start(3, moduleFor);
    const run = (own: () => void) => team.run('multiplyMatrices', () => nothing, own);
    expect(() =>
      run(() => {
        throw new Error('here');
      }),
    ).toThrow('here');
    let ran = false;
    run(() => (ran = true));
    expect(ran).toBe(true);
    await team.stop();
  });

  it('has no memory for what does not fit', async () => {
    const team = await Team.start(2, moduleFor);
    expect(team.reserve(2 ** 31)).toBeNull();
    expect(team.reserve(16, 16)).toHaveLength(2);
    await team.stop();
  });

  it('that cannot be started leaves no thread behind', async () => {
    const terminate = vi.spyOn(Worker.prototype, 'terminate');
    const noMemory = () => {
      throw new RangeError('no more memory');
    };
    await expect(Team.start(4, noMemory)).rejects.toThrow(
      new AcceleratorError('4 threads could not be started (no more memory): ask for fewer'),
    );
    expect(terminate).not.toHaveBeenCalled();
    const withoutKernels = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    await expect(Team.start(4, () => withoutKernels)).rejects.toThrow('4 threads could not be started');
    expect(terminate).toHaveBeenCalledTimes(3);
    terminate.mockRestore();
  });
});

describe('the accelerator threads', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });
  afterAll(() => void useThreads(1));

  it('changes the threads in the order of the calls, and ends those of before', async () => {
    const stop = vi.spyOn(Team.prototype, 'stop');
    const multiply = () => tf.tidy(() => tf.matMul(tf.ones([512, 512]), tf.ones([512, 512])).dataSync()[0]);
    const run = vi.spyOn(Team.prototype, 'run');
    await Promise.all([useThreads(3), useThreads(2), useThreads(1)]);
    expect(stop).toHaveBeenCalledTimes(2);
    expect(multiply()).toBe(512);
    expect(run).not.toHaveBeenCalled();
    await Promise.all([useThreads(1), useThreads(2)]);
    expect(multiply()).toBe(512);
    expect(run).toHaveBeenCalledOnce();
    stop.mockRestore();
    run.mockRestore();
  });

  it('multiplies batches with bias and activation as the cpu backend does', async () => {
    expect(await useThreads(2)).toMatchObject([{ name: 'threads', absence: null }]);
    const run = vi.spyOn(Team.prototype, 'run');
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
    // Two products of the batch, and the fused one.
    expect(run).toHaveBeenCalledTimes(3);
    run.mockRestore();
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
    const run = vi.spyOn(Team.prototype, 'run');
    const together = losses();
    expect(run.mock.calls.length).toBeGreaterThanOrEqual(20);
    run.mockRestore();
    tf.dispose([inputs, labels]);
    expect(together).toEqual(alone);
    expect(alone.at(-1)).toBeLessThan(alone[0]!);
  });

  /** The last line that a program of the built package prints. */
  const lastLine = (program: string) => {
    const script = `
      import * as tf from '@tensorflow/tfjs';
      import '@tensorflow/tfjs-backend-wasm';
      import { useAccelerators } from '@espalier/wasm-training/accelerators';
      const useThreads = (threads) => useAccelerators(threads === 1 ? 'off' : ['threads'], { threads });
      await tf.setBackend('wasm');
      ${program}`;
    const options = { encoding: 'utf8', timeout: 30_000 } as const;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], options);
    return output.trim().split('\n').at(-1);
  };

  it('lets the process end', () => {
    const program = `await useThreads(2);
      console.log(String(tf.matMul(tf.ones([512, 512]), tf.ones([512, 512])).max().dataSync()[0]));`;
    expect(lastLine(program)).toBe('512');
  });

  it('has the arithmetic of the one thread, whenever relaxed SIMD is turned on', () => {
    const sum = `const [a, b] = [1, 2].map((seed) => tf.randomUniform([512, 512], -1, 1, 'float32', seed));
      const difference = (x, y) => tf.max(tf.abs(tf.sub(x, y))).dataSync()[0];
      await useThreads(3);
      const before = tf.matMul(a, b);
      await import('@espalier/wasm-training/relaxed-simd');
      const after = tf.matMul(a, b);
      await useThreads(2);
      const anew = tf.matMul(a, b);
      await useThreads(1);
      const alone = tf.matMul(a, b);
      console.log([before, after, anew].map((x) => difference(x, alone)).join());`;
    expect(lastLine(sum)).toBe('0,0,0');
  });
});
