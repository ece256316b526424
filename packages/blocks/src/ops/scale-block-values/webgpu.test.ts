/** ScaleBlockValues in WGSL where a factor is zero, on whatever adapter there is. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it } from 'vitest';

import { blockGrid } from '../../grid.js';
import { patternOf } from '../../pattern.js';
import { startWebgpu } from '../../test-webgpu.js';
import { scaleBlockValues } from './index.js';

const webgpu = await startWebgpu();

describe.skipIf(webgpu.absent)(`on webgpu (${webgpu.where})`, () => {
  afterEach(webgpu.finished);

  it('a block of factor zero is zero, whatever it held', async () => {
    await tf.setBackend('webgpu');
    const pattern = patternOf(blockGrid([2, 3], [1, 3]), Uint8Array.of(1, 1));
    const scaled = tf.tidy(() =>
      scaleBlockValues(tf.tensor1d([NaN, Infinity, -3, 1, 2, 3]), tf.tensor2d([[0], [2]]), pattern),
    );
    expect(Array.from(await scaled.data())).toEqual([0, 0, 0, 2, 4, 6]);
    scaled.dispose();
    expect(tf.memory().numTensors).toBe(0);
  });
});
