/** A block of factor zero is zero, whatever it held: by the kernels of each backend, and composed of tfjs' ops. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import './backends/cpu.js';
import './backends/wasm.js';
import { blockGrid } from './grid.js';
import { scaleBlocks } from './ops/scale-blocks/index.js';
import { scaleBlockValues } from './ops/scale-block-values/index.js';
import { patternOf } from './pattern.js';
import { withoutKernels } from './test-table.js';

const grid = blockGrid([3, 5], [2, 5]);
const pattern = patternOf(grid, Uint8Array.of(1, 1));
const held = [Infinity, NaN, -3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, NaN];
const expected = [...new Array<number>(10).fill(0), 2, 4, 6, 8, NaN];

function scaled(): number[][] {
  return tf.tidy(() => {
    const scale = tf.tensor2d([0, 2], [2, 1]);
    return [
      scaleBlocks(tf.tensor2d(held, [3, 5]), scale, grid),
      scaleBlockValues(tf.tensor1d(held), scale, pattern),
    ].map((result) => Array.from(result.dataSync()));
  });
}

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('by the kernels', () => {
    expect(scaled()).toEqual([expected, expected]);
  });

  it('composed', async () => {
    expect(await withoutKernels(backend, async () => scaled())).toEqual([expected, expected]);
  });
});
