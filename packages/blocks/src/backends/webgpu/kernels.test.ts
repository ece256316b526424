/** The WGSL kernels against the cpu's, on whatever adapter there is: SwiftShader, where no GPU is. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { BackendError, softwareAdapter, startBackend, type StartedBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import {
  blockSparseConv2d,
  blockSparseMatMul,
  blockSparseWeightGradient,
  blockValuesDot,
  gatherBlocks,
  scaleBlockValues,
  scatterBlocks,
} from '../index.js';
import type { BlockPattern } from '../pattern.js';
import { patternKeeping, patterns, randomTensor } from '../test-support.js';

Object.assign(process.env, softwareAdapter() ?? {});
const webgpu: StartedBackend | BackendError = await startBackend('webgpu').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = webgpu instanceof BackendError;
const where = absent ? `skipped: ${webgpu.message}` : webgpu.device;

type Compute = () => tf.Tensor[];

/** The values that a computation has on a backend. Its tensors are made there, and none is left. */
async function valuesOn(backendName: string, compute: Compute): Promise<number[][]> {
  await tf.setBackend(backendName);
  const before = tf.memory().numTensors;
  const tensors = tf.tidy(compute);
  const values = await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())));
  tf.dispose(tensors);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/** Each value within 1e-4 of the largest of its tensor, at least 1. */
async function expectAsOnCpu(compute: Compute): Promise<void> {
  const expected = await valuesOn('cpu', compute);
  const actual = await valuesOn('webgpu', compute);
  if (!absent) await webgpu.finished();
  expected.forEach((wanted, tensor) => {
    const got = actual[tensor]!;
    expect(got.length).toBe(wanted.length);
    const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    wanted.forEach((value, at) => {
      // Written so that NaN fails too.
      if (!(Math.abs(got[at]! - value) <= 1e-4 * scale)) {
        expect.fail(`element ${at} of tensor ${tensor} is ${got[at]}, expected ${value}`);
      }
    });
  });
}

const products = (pattern: BlockPattern, batch: number) => (): tf.Tensor[] => {
  const [n, m] = pattern.matrixShape;
  const [x, y] = [randomTensor([batch, n], 1), randomTensor([batch, m], 2)];
  const values = randomTensor<tf.Tensor1D>([pattern.size], 3);
  const bias = randomTensor<tf.Tensor1D>([m], 4);
  return [
    blockSparseMatMul(x, values, pattern),
    blockSparseMatMul(x, values, pattern, { bias, activation: 'relu' }),
    blockSparseMatMul(y, values, pattern, { transposed: true }),
    blockSparseWeightGradient(x, y, pattern),
  ];
};

describe.skipIf(absent)(`the WGSL kernels (${where})`, () => {
  beforeAll(() => {
    expect(tf.getKernelsForBackend('webgpu').map(({ kernelName }) => kernelName)).toEqual(
      expect.arrayContaining(['BlockSparseMatMul', 'BlockSparseWeightGradient', 'Im2Col', 'Col2Im']),
    );
  });

  it('multiply, and take the gradient by the values, as the cpu does', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, fc.constantFrom(0, 1, 7, 40), (pattern, batch) =>
        expectAsOnCpu(products(pattern, batch)),
      ),
      { numRuns: 8 },
    );
  });

  it.each([
    ['as many rows as keep a card busy, 8 a thread', [4, 64], [4, 4], 8200],
    ['blocks wider and taller than a workgroup computes', [130, 150], [65, 75], 3],
    ['wider and taller, in fours', [136, 160], [68, 80], 20],
    ['a matrix of one block', [24, 40], [24, 40], 5],
    ['ragged blocks in fours', [44, 52], [16, 32], 9],
  ] as const)('multiply with %s', async (_, matrix, block, batch) => {
    await expectAsOnCpu(products(patternKeeping(matrix, block, 'some', 5), batch));
  });

  it.each([
    ['two dimensions', 150],
    ['three', 10],
  ])('multiply in more workgroups than one dimension takes: in %s', async (_, limit) => {
    await tf.setBackend('webgpu');
    const { device } = tf.backend() as unknown as { device: { readonly limits: object } };
    // WebGPU's least limit is 65,535, of which SwiftShader takes a quarter of a minute for one product. By this one tfjs
    // spreads the workgroups of 200 columns, or rows, of blocks and of a good 400 kept blocks.
    const { limits } = device;
    const setLimits = (value: object) =>
      Object.defineProperty(device, 'limits', { value, configurable: true });
    setLimits({ maxComputeWorkgroupsPerDimension: limit });
    try {
      await expectAsOnCpu(products(patternKeeping([20, 800], [4, 4], 'some', 5), 70));
      await expectAsOnCpu(products(patternKeeping([800, 20], [4, 4], 'some', 5), 70));
    } finally {
      setLimits(limits);
    }
  });

  it.each([3, 4])('let NaN through ReLU, %i columns wide', async (columns) => {
    const pattern = patternKeeping([4, columns], [4, columns], 'all', 1);
    const [y] = await valuesOn('webgpu', () => [
      blockSparseMatMul(tf.fill([2, 4], NaN), tf.ones([pattern.size]), pattern, { activation: 'relu' }),
    ]);
    expect(y).toEqual(new Array(2 * columns).fill(NaN));
  });

  it('gather, scatter and scale blocks, and take inner products over them, as the cpu does', async () => {
    await fc.assert(
      fc.asyncProperty(patterns, (pattern) =>
        expectAsOnCpu(() => {
          const [a, b] = [
            randomTensor<tf.Tensor1D>([pattern.size], 1),
            randomTensor<tf.Tensor1D>([pattern.size], 2),
          ];
          return [
            gatherBlocks(randomTensor(pattern.matrixShape, 3), pattern),
            scatterBlocks(a, pattern),
            scaleBlockValues(a, randomTensor(pattern.grid.gridShape, 4), pattern),
            blockValuesDot(a, b, pattern),
          ];
        }),
      ),
      { numRuns: 15 },
    );
  });

  it.each([
    ['3 × 3, same padding', 3, 1, 'same', 1],
    ['3 × 3, stride 2, same padding', 3, 2, 'same', 1],
    ['2 × 2, dilated', 2, 1, 'valid', 2],
    ['1 × 1', 1, 1, 'valid', 1],
  ] as const)(
    'convolve, and give the gradients of a convolution: %s',
    async (_, size, strides, pad, dilations) => {
      const filterShape = [size, size, 3, 6] as const;
      const pattern = patternKeeping([size * size * 3, 6], [3, 2], 'some', 6);
      await expectAsOnCpu(() => {
        const x = randomTensor<tf.Tensor4D>([2, 5, 6, 3], 1);
        const values = randomTensor<tf.Tensor1D>([pattern.size], 2);
        const convolve = (x: tf.Tensor, values: tf.Tensor) =>
          blockSparseConv2d(x as tf.Tensor4D, values as tf.Tensor1D, pattern, {
            filterShape,
            strides,
            pad,
            dilations,
          });
        const y = convolve(x, values);
        return [y, ...tf.grads((x, values) => convolve(x!, values!).mul(y))([x, values])];
      });
    },
  );

  it('keep what they know of a pattern on the device until the pattern is collected', async () => {
    await tf.setBackend('webgpu');
    const backend = tf.backend() as unknown as { numDataIds(): number };
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const scatter = async (pattern: BlockPattern) => {
      const y = tf.tidy(() => scatterBlocks(tf.ones([pattern.size]), pattern));
      await y.data();
      y.dispose();
      return backend.numDataIds();
    };
    const twice = async () => {
      const pattern = patternKeeping([12, 12], [4, 4], 'some', 1);
      const first = await scatter(pattern);
      expect(await scatter(pattern)).toBeLessThanOrEqual(first);
      return first;
    };
    // Those of the tests before are not to be counted.
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const kept = await twice();
    await vi.waitFor(() => {
      collect();
      // Three arrays a pattern.
      expect(backend.numDataIds()).toBeLessThanOrEqual(kept - 3);
    }, 10_000);
  });
});
