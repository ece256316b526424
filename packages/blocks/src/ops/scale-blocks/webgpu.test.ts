/** ScaleBlocks in WGSL where a factor is zero, on whatever adapter there is. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';

import { blockGrid } from '../../grid.js';
import { startWebgpu } from '../../test-webgpu.js';
import { scaleBlocks } from './index.js';

const webgpu = await startWebgpu();

describe.skipIf(webgpu.absent)(`on webgpu (${webgpu.where})`, () => {
  afterEach(webgpu.finished);

  // Four weights a thread, and one.
  it.each([4, 3])('a block scaled by zero is zero, whatever it held: blocks %i wide', async (width) => {
    await tf.setBackend('webgpu');
    const grid = blockGrid([2, width], [1, width]);
    const row = [NaN, Infinity, -3, 4].slice(0, width);
    const gradient = tf.tidy(() => {
      const [matrix, scale] = [tf.tensor2d([row, row]), tf.tensor2d([0, 2], [2, 1])];
      const scaled = scaleBlocks(matrix, scale, grid);
      const byMatrix = tf.grad((m) => scaleBlocks(m as tf.Tensor2D, scale, grid))(matrix, matrix);
      return tf.concat([scaled, byMatrix]);
    });
    const twice = row.map((value) => 2 * value);
    const zeros = row.map(() => 0);
    expect(Array.from(await gradient.data())).toEqual([...zeros, ...twice, ...zeros, ...twice]);
    gradient.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
});
