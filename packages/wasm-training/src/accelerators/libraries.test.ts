// What holds of every library that computes: each that is here is given the same work.

import { memoryOf, type WasmBackend } from '@espalier/blocks';
import { sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { expectClose, expectGradients, expectSameAsCpu, randomTensor } from '../test-support.js';
import { acceleratorsOf, attachAccelerators, type Accelerator } from './accelerator.js';
import { describeAccelerator, findAccelerators, useAccelerators } from './index.js';

/** Also a oneDNN of another version than the system's, where the tests are told of one. */
const otherOneDnn = process.env['ESPALIER_ONEDNN'];
const reports = (await findAccelerators('auto')).filter(({ name }) => name !== 'threads');
for (const report of reports) {
  if (!report.library) console.warn(`${report.name} is not tested: ${describeAccelerator(report)}`);
}
const present = [
  ...reports.filter(({ library }) => library !== null).map(({ name }) => name as string),
  ...(otherOneDnn ? [`onednn:${otherOneDnn}`] : []),
];

const backend = () => tf.findBackend('wasm') as unknown as WasmBackend;
let calls = 0;

await tf.setBackend('wasm');
/** oneDNN multiplies where it has AVX-512. */
const multiplying: string[] = [];
for (const name of present) {
  await useAccelerators([name]);
  if (acceleratorsOf(backend())[0]!.multiply) multiplying.push(name);
}

/** Attaches the library, counting what it takes. */
async function attachCounted(name: string): Promise<void> {
  await useAccelerators([name]);
  const [library] = acceleratorsOf(backend()) as [Accelerator];
  const counted =
    <Work extends unknown[]>(compute: ((...work: Work) => boolean) | undefined) =>
    (...work: Work) => {
      const taken = compute?.(...work) ?? false;
      if (taken) calls += 1;
      return taken;
    };
  attachAccelerators(backend(), [
    {
      multiply: counted(library.multiply),
      convolve: counted(library.convolve),
      inputGradient: counted(library.inputGradient),
      filterGradient: counted(library.filterGradient),
      depthwise: counted(library.depthwise),
      ...(library.stop && { stop: library.stop }),
    },
  ]);
}

afterAll(() => void useAccelerators('off'));

const seed = fc.integer({ min: 0, max: 1e6 });
const small = (min: number, max: number) => fc.integer({ min, max });

describe.skipIf(multiplying.length === 0).each(multiplying)('a product by %s', (name) => {
  beforeAll(() => attachCounted(name));

  const size = fc.oneof(
    { weight: 4, arbitrary: small(16, 70) },
    { weight: 1, arbitrary: fc.constantFrom(1, 128, 257) },
  );

  it('agrees with the cpu backend in all four transpositions, in batches, with bias and activation', async () => {
    calls = 0;
    const activation = fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'leakyrelu', 'prelu', 'sigmoid');
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size, size, size),
        fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
        activation,
        seed,
        async ([m, k, n], [tA, tB, biased], act, s) => {
          await expectSameAsCpu(() => {
            const [shapeA, shapeB] = [tA ? [k, m] : [m, k], tB ? [n, k] : [k, n]];
            const a = randomTensor(shapeA, s) as tf.Tensor2D;
            const b = randomTensor(shapeB, s + 1) as tf.Tensor2D;
            const fused = tf.fused.matMul({
              a,
              b,
              transposeA: tA,
              transposeB: tB,
              activation: act as 'relu',
              ...(biased && { bias: randomTensor([n], s + 2) }),
              ...(act === 'prelu' && { preluActivationWeights: randomTensor([1, n], s + 3) }),
              ...(act === 'leakyrelu' && { leakyreluAlpha: 0.3 }),
            });
            const batch = tf.matMul(randomTensor([2, ...shapeA], s + 4), b.expandDims(0), tA, tB);
            return [fused, batch];
          });
        },
      ),
      { numRuns: 60 },
    );
    expect(calls).toBeGreaterThan(0);
  });

  it('is the same bits in every run', () => {
    const a = randomTensor([131, 300], 1);
    const b = randomTensor([77, 300], 2);
    const run = () => tf.tidy(() => tf.matMul(a, b, false, true).dataSync());
    const first = run();
    for (let i = 0; i < 5; i++) expect(run()).toEqual(first);
    tf.dispose([a, b]);
  });

  it('stays right when the memory grows between two products, and between operands and result', () => {
    const memory = memoryOf(backend());
    const a = randomTensor([64, 64], 1);
    const run = () => tf.tidy(() => tf.matMul(a, a, true).dataSync());
    const first = run();
    const before = memory.buffer;
    const ballast: tf.Tensor[] = [];
    while (memory.buffer === before) ballast.push(tf.zeros([1 << 20]));
    expect(run()).toEqual(first);
    // A result that is itself too large for the memory there is.
    const column = tf.ones([8192, 1]);
    const grown = memory.buffer;
    const outer = tf.matMul(column, column, false, true);
    expect(memory.buffer).not.toBe(grown);
    const range = tf.tidy(() => [tf.min(outer).dataSync()[0], tf.max(outer).dataSync()[0]] as never);
    expect(range).toEqual([1, 1]);
    tf.dispose([a, column, outer, ballast]);
  });

  it('is left to the wasm kernel where it is small', () => {
    calls = 0;
    tf.tidy(() => tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).dataSync());
    expect(calls).toBe(0);
    tf.tidy(() => tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync());
    expect(calls).toBe(1);
  });

  it('may take several threads', async () => {
    await useAccelerators([name], { threads: 2 });
    await expectSameAsCpu(() => tf.matMul(randomTensor([300, 200], 1), randomTensor([300, 150], 2), true));
    await attachCounted(name);
  });
});

describe.skipIf(present.length === 0).each(present)('a convolution by %s', (name) => {
  beforeAll(() => attachCounted(name));

  const channels = fc.constantFrom(1, 3, 8, 16, 17);
  const convolution = fc
    .record({
      batch: small(0, 3),
      size: fc.tuple(small(4, 14), small(4, 14)),
      inChannels: channels,
      outChannels: channels,
      filter: fc.tuple(small(1, 4), small(1, 4)),
      strides: fc.oneof(fc.constant<[number, number]>([1, 1]), fc.tuple(small(1, 3), small(1, 3))),
      dilations: fc.oneof(fc.constant<[number, number]>([1, 1]), fc.tuple(small(1, 2), small(1, 2))),
      pad: fc.constantFrom<'same' | 'valid' | number>('same', 'valid', 0, 1, 3),
    })
    // tfjs allows strides or dilations, not both.
    .map((c) => ({ ...c, dilations: c.strides.every((stride) => stride === 1) ? c.dilations : [1, 1] }))
    .filter(({ size, filter, strides, dilations, pad }) => {
      // With a number for the padding, tfjs computes the width of the output from the filter's height.
      const square = [filter, strides, dilations].every(([y, x]) => y === x);
      if (typeof pad === 'number' && !square) return false;
      return size.every((length, axis) => pad === 'same' || length > (filter[axis]! - 1) * dilations[axis]!);
    });

  it('agrees with the cpu backend, with its gradients', async () => {
    calls = 0;
    await fc.assert(
      fc.asyncProperty(convolution, fc.boolean(), seed, async (given, biased, s) => {
        const { batch, size, inChannels, outChannels, filter, strides, dilations, pad } = given;
        await expectSameAsCpu(() => {
          const x = randomTensor([batch, ...size, inChannels], s) as tf.Tensor4D;
          const w = randomTensor([...filter, inChannels, outChannels], s + 1) as tf.Tensor4D;
          const y = tf.fused.conv2d({
            x,
            filter: w,
            strides,
            pad,
            dilations: dilations as [number, number],
            ...(biased && { bias: randomTensor([outChannels], s + 2), activation: 'relu' as const }),
          });
          // The cpu backend's own gradients are wrong or missing where it is dilated.
          if (dilations.some((rate) => rate > 1)) return [y];
          const dy = randomTensor(y.shape, s + 3);
          const attrs = { strides, pad, dataFormat: 'NHWC' };
          const run = (kernel: string, inputs: tf.NamedTensorMap, shape: tf.NamedAttrMap) =>
            tf.engine().runKernel(kernel, inputs, { ...attrs, ...shape }) as tf.Tensor;
          return [
            y,
            run('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
            run('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }),
          ];
        });
      }),
      { numRuns: 100 },
    );
    expect(calls).toBeGreaterThan(0);
  });

  it('has the gradients of finite differences', () => {
    const x = randomTensor([2, 8, 8, 16], 1);
    const w = randomTensor([3, 3, 16, 8], 2);
    const loss = (a: tf.Tensor, b: tf.Tensor) =>
      tf.mean(tf.square(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'))) as tf.Scalar;
    calls = 0;
    expectGradients(loss, [x, w]);
    expect(calls).toBeGreaterThan(2);
    tf.dispose([x, w]);
  });

  it('has the gradients of finite differences where it is dilated', () => {
    const x = randomTensor([1, 12, 12, 16], 1);
    const w = randomTensor([3, 2, 16, 16], 2);
    const loss = (a: tf.Tensor, b: tf.Tensor) => {
      const y = tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same', 'NHWC', [2, 3]);
      return tf.mean(tf.square(y)) as tf.Scalar;
    };
    calls = 0;
    expectGradients(loss, [x, w]);
    expect(calls).toBeGreaterThan(2);
    tf.dispose([x, w]);
  });

  it('hides nothing that is not a number', () => {
    const nan = (x: tf.Tensor4D) => {
      const filter = randomTensor([3, 3, 32, 32], 2) as tf.Tensor4D;
      const y = tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', activation: 'relu' });
      return tf.sum(tf.isNaN(y).toFloat()).dataSync()[0];
    };
    const x = new Float32Array(8 * 8 * 32);
    x[(3 * 8 + 3) * 32] = NaN;
    calls = 0;
    // Every result of a window that has it: 3 × 3 of 32 channels.
    expect(tf.tidy(() => nan(tf.tensor4d(x, [1, 8, 8, 32])))).toBe(9 * 32);
    expect(calls).toBe(1);
  });

  it.each([1, 2])('is the same bits in every run on so many threads: %i', async (threads) => {
    await useAccelerators([name], { threads });
    const run = () =>
      tf.tidy(() => {
        const x = randomTensor([4, 9, 8, 16], 1) as tf.Tensor4D;
        const w = randomTensor([3, 3, 16, 24], 2) as tf.Tensor4D;
        const y = (a: tf.Tensor, b: tf.Tensor) =>
          tf.relu(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'));
        const gradients = tf.grads(y)([x, w], randomTensor([4, 9, 8, 24], 3));
        return [y(x, w), ...gradients].map((tensor) => tensor.dataSync());
      });
    const first = run();
    for (let i = 0; i < 5; i++) expect(run()).toEqual(first);
    await attachCounted(name);
  });

  it('trains a network to the losses of the wasm kernels, and leaves tensors and memory alone', async () => {
    const losses: number[][] = [];
    for (const choice of ['off', [name]] as const) {
      await useAccelerators(choice);
      losses.push(trainSmallNetwork());
    }
    expectClose(losses[1]!, losses[0]!, 1e-4);
  });
});

const ofOneDnn = present.filter((name) => name.startsWith('onednn'));

describe.skipIf(ofOneDnn.length === 0).each(ofOneDnn)('a depthwise convolution by %s', (name) => {
  beforeAll(() => attachCounted(name));

  it('agrees with the cpu backend, with its gradients', async () => {
    calls = 0;
    const given = fc.record({
      batch: small(1, 3),
      size: fc.tuple(small(4, 14), small(4, 14)),
      channels: fc.constantFrom(3, 16, 17, 32),
      multiplier: fc.constantFrom(1, 1, 1, 2),
      filter: fc.tuple(small(1, 4), small(1, 4)),
      stride: small(1, 2),
      pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
    });
    await fc.assert(
      fc.asyncProperty(given, seed, async ({ batch, size, channels, multiplier, filter, stride, pad }, s) => {
        await expectSameAsCpu(() => {
          const x = randomTensor([batch, ...size, channels], s) as tf.Tensor4D;
          const w = randomTensor([...filter, channels, multiplier], s + 1) as tf.Tensor4D;
          const y = tf.depthwiseConv2d(x, w, stride, pad);
          const attrs = { strides: [stride, stride], pad, dataFormat: 'NHWC', dilations: [1, 1] };
          const inputs = { x, dy: randomTensor(y.shape, s + 2), filter: w };
          const shapes = { inputShape: x.shape, filterShape: w.shape };
          const run = (kernel: string) =>
            tf.engine().runKernel(kernel, inputs, { ...attrs, ...shapes }) as tf.Tensor;
          return [y, run('DepthwiseConv2dNativeBackpropInput'), run('DepthwiseConv2dNativeBackpropFilter')];
        });
      }),
      { numRuns: 60 },
    );
    expect(calls).toBeGreaterThan(0);
  });

  it('has the gradients of finite differences, dilated too', () => {
    const x = randomTensor([1, 12, 12, 16], 1);
    const w = randomTensor([3, 3, 16, 1], 2);
    for (const dilation of [1, 2]) {
      const loss = (a: tf.Tensor, b: tf.Tensor) => {
        const y = tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same', 'NHWC', dilation);
        return tf.mean(tf.square(y)) as tf.Scalar;
      };
      calls = 0;
      expectGradients(loss, [x, w]);
      expect(calls).toBeGreaterThan(2);
    }
    tf.dispose([x, w]);
  });
});

/** Thirty losses of a convolutional network. */
function trainSmallNetwork(): number[] {
  const init = (seedOf: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed: seedOf }) });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 16, kernelSize: 3, inputShape: [12, 12, 3], padding: 'same', ...init(1) }),
      tf.layers.reLU(),
      tf.layers.conv2d({ filters: 16, kernelSize: 3, strides: 2, activation: 'relu', ...init(2) }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 10, ...init(3) }),
    ],
  });
  const x = randomTensor([16, 12, 12, 3], 4);
  const y = tf.oneHot(tf.range(0, 16, 1, 'int32').mod(tf.scalar(10, 'int32')), 10);
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9 });
  const step = () => {
    const lossOf = () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor);
    const loss = optimizer.minimize(lossOf as () => tf.Scalar, true)!;
    const [value] = loss.dataSync();
    loss.dispose();
    return value!;
  };
  const state = () => [tf.memory().numTensors, memoryOf(backend()).buffer.byteLength];
  const first = [step(), step()];
  const before = state();
  const rest = Array.from({ length: 28 }, step);
  expect(state()).toEqual(before);
  return [...first, ...rest];
}

describe.each(reports)('the accelerator $name', (report) => {
  const { name, library } = report;

  it('reports what was found, or what would mend it', () => {
    if (library) {
      expect(report).toMatchObject({ absence: null, remedy: null });
      expect(describeAccelerator(report)).toContain(library.path);
    } else {
      expect(report.remedy).toMatch(/install/);
    }
  });

  it.skipIf(!library)('takes a library by its path or file name', async () => {
    expect(await findAccelerators([`${name}:${library!.path}`])).toEqual([report]);
  });

  it.skipIf(!library)('names the path that does not load, or is no such library', async () => {
    await expect(useAccelerators([`${name}:/no/such/library.so`])).rejects.toThrow(
      /^The (BLAS|oneDNN) library \/no\/such\/library.so does not load: /,
    );
    if (process.platform === 'linux') {
      await expect(findAccelerators([`${name}:libm.so.6`])).rejects.toThrow(
        /^The library libm.so.6 has no (cblas_sgemm|dnnl_version): give/,
      );
    }
  });
});

it('koffi that does not load is an answer', async () => {
  vi.resetModules();
  vi.doMock('koffi', () => {
    throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  });
  const { blas } = await import('./blas/index.js');
  const request = { threads: 1, library: null, backend: null };
  expect(await blas.find(request)).toMatchObject({ remedy: 'npm install koffi' });
  vi.doUnmock('koffi');
});
