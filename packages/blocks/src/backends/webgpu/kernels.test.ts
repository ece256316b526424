/** What the table does not tell of the WGSL kernels: large products, NaN, and how long a pattern stays on the device. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { biasedRelu, plain, transposed, type Product } from '../../ops/block-sparse-matmul/cases.js';
import { blockSparseMatMul } from '../../ops/block-sparse-matmul/index.js';
import { scatterBlocks } from '../../ops/gather-blocks/index.js';
import type { BlockPattern } from '../../pattern.js';
import type { OpCase } from '../../test-cases.js';
import { patternKeeping } from '../../test-support.js';
import { expectKernelsAsDefined } from '../../test-table.js';
import { startWebgpu } from '../../test-webgpu.js';

const webgpu = await startWebgpu();

describe.skipIf(webgpu.absent)(`the WGSL kernels (${webgpu.where})`, () => {
  beforeAll(async () => {
    await tf.setBackend('webgpu');
  });
  afterEach(webgpu.finished);

  const expectProducts = async (rows: OpCase<Product>[], pattern: BlockPattern, batch: number) => {
    for (const row of rows) await expectKernelsAsDefined(row, { pattern, batch }, batch);
  };

  it.each([
    ['as many rows as keep a card busy, 8 a thread', [4, 64], [4, 4], 8200],
    ['blocks wider and taller than a workgroup computes', [130, 150], [65, 75], 3],
    ['wider and taller, in fours', [136, 160], [68, 80], 20],
    ['a matrix of one block', [24, 40], [24, 40], 5],
    ['ragged blocks in fours', [44, 52], [16, 32], 9],
  ] as const)('multiply with %s', async (_, matrix, block, batch) => {
    await expectProducts([biasedRelu, transposed], patternKeeping(matrix, block, 'some', 5), batch);
  });

  it.each([
    ['two dimensions', 150],
    ['three', 10],
  ])('multiply in more workgroups than one dimension takes: in %s', async (_, limit) => {
    const { device } = tf.backend() as unknown as { device: { readonly limits: object } };
    // WebGPU's least limit is 65,535, of which SwiftShader takes a quarter of a minute for one product. By this one tfjs
    // spreads the workgroups of 200 columns, or rows, of blocks and of a good 400 kept blocks.
    const { limits } = device;
    const setLimits = (value: object) =>
      Object.defineProperty(device, 'limits', { value, configurable: true });
    setLimits({ maxComputeWorkgroupsPerDimension: limit });
    try {
      // Not those of tfjs, which take no third dimension.
      await expectProducts([plain, transposed], patternKeeping([20, 800], [4, 4], 'some', 5), 70);
      await expectProducts([plain, transposed], patternKeeping([800, 20], [4, 4], 'some', 5), 70);
    } finally {
      setLimits(limits);
    }
  });

  it.each([3, 4])('let NaN through ReLU, %i columns wide', async (columns) => {
    const pattern = patternKeeping([4, columns], [4, columns], 'all', 1);
    const y = tf.tidy(() =>
      blockSparseMatMul(tf.fill([2, 4], NaN), tf.ones([pattern.size]), pattern, { activation: 'relu' }),
    );
    expect(Array.from(await y.data())).toEqual(new Array(2 * columns).fill(NaN));
    y.dispose();
  });

  it('keep what they know of a pattern on the device until the pattern is collected', async () => {
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
