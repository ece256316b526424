/** Which kernel an op runs: a backend's own where there is one, else its composition. The table tests what they compute. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, expect, it } from 'vitest';

import type { CpuTensor } from './backends/cpu/kernel.js';
import { registerCpuKernel } from './backends/cpu/kernel.js';
import { blockGrid } from './grid.js';
import { scaleBlocks } from './ops/scale-blocks/index.js';
import type { BlockAttributes } from './ops/scale-blocks/index.js';
import { kernels } from './ops/scale-blocks/cpu.js';

const NAMES = ['ScaleBlocks', 'ScaleBlocksGrad', 'BlockDot'];
const grid = blockGrid([2, 4], [2, 2]);

beforeAll(async () => {
  await tf.setBackend('cpu');
});
afterEach(() => {
  for (const name of NAMES) if (tf.getKernel(name, 'cpu')) tf.unregisterKernel(name, 'cpu');
});

/** The gradients of the sum of the scaled matrix. */
function gradients(): number[][] {
  return tf.tidy(() => {
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
    const loss = (w: tf.Tensor, s: tf.Tensor) => scaleBlocks(w as tf.Tensor2D, s as tf.Tensor2D, grid).sum();
    return tf
      .grads(loss)([weights, tf.tensor2d([[10, 100]])])
      .map((x) => Array.from(x.dataSync()));
  });
}
const expected = [
  [10, 10, 100, 100, 10, 10, 100, 100],
  [1 + 2 + 5 + 6, 3 + 4 + 7 + 8],
];

it('importing an op registers nothing; a backend without kernels gets the composition at the first call', () => {
  for (const name of NAMES) expect(tf.getKernel(name, 'cpu'), name).toBeUndefined();
  expect(gradients()).toEqual(expected);
  for (const name of NAMES) expect(tf.getKernel(name, 'cpu'), name).toBeDefined();
});

it("a backend's own kernel serves the op and its gradient; what it is not joined by is composed", () => {
  let calls = 0;
  registerCpuKernel('ScaleBlocks', (inputs: Record<'matrix' | 'scale', CpuTensor>, own: BlockAttributes) => {
    calls += 1;
    return kernels.ScaleBlocks(inputs, own);
  });
  expect(gradients()).toEqual(expected);
  expect(calls).toBe(2);
});

it('a kernel that is registered after the first call takes the place of the composition', () => {
  gradients();
  let calls = 0;
  registerCpuKernel('ScaleBlocks', (inputs: Record<'matrix' | 'scale', CpuTensor>, own: BlockAttributes) => {
    calls += 1;
    return kernels.ScaleBlocks(inputs, own);
  });
  expect(gradients()).toEqual(expected);
  expect(calls).toBe(2);
});

it('a kernel that is registered a second time is the first', () => {
  registerCpuKernel('ScaleBlocks', kernels.ScaleBlocks);
  registerCpuKernel('ScaleBlocks', () => {
    throw new Error('the first stays');
  });
  expect(gradients()).toEqual(expected);
});
