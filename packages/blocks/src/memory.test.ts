/** What no memory holds is refused before anything is allocated, and nobody's memory is written over. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import {
  assertCanBeMade,
  blockGrid,
  BlockPattern,
  MOST_WEIGHTS,
  newOutput,
  offsetOf,
  patternOf,
  patternOfText,
  type WasmBackend,
} from './index.js';
import './backends/wasm.js';

const backend = () => tf.backend() as unknown as WasmBackend;

beforeAll(async () => {
  await tf.setBackend('wasm');
});

describe('a kernel of more weights than are counted', () => {
  // 65536 · 65536 is 0 in 32 bits.
  const text = { matrixShape: [65536, 65536], blockShape: [65536, 65536], pointers: '1', indices: '0' };

  it('is refused, as a grid, as a pattern and as text', () => {
    expect(() => blockGrid([65536, 65536], [1, 1])).toThrow(
      'A 65536×65536 matrix has more than 1073741824 weights',
    );
    expect(
      () =>
        new BlockPattern({
          matrixShape: [65536, 65536],
          blockShape: [65536, 65536],
          pointers: [0, 1],
          indices: [0],
        }),
    ).toThrow('more than 1073741824 weights');
    expect(() => patternOfText(text, 'dense/kernel')).toThrow(
      'The block pattern of dense/kernel is damaged: A 65536×65536 matrix has more than 1073741824 weights',
    );
  });

  it('is the one just above 2^30', () => {
    expect(
      new BlockPattern({
        matrixShape: [32768, 32768],
        blockShape: [32768, 32768],
        pointers: [0, 1],
        indices: [0],
      }).size,
    ).toBe(MOST_WEIGHTS);
    expect(() => blockGrid([32768, 32769], [1, 1])).toThrow('more than');
  });

  it.each([
    ['a size that is no number', [NaN, 4]],
    ['a size that is no whole number', [4, 4.5]],
    ['no size', [0, 4]],
    ['three sizes', [4, 4, 4]],
  ])('%s is refused as well', (_, matrix) => {
    expect(() => blockGrid(matrix as unknown as [number, number], [1, 1])).toThrow(
      'is not two whole numbers of at least 1',
    );
  });
});

it('nobody changes a grid or a pattern afterwards', () => {
  const matrix: [number, number] = [4, 4];
  const grid = blockGrid(matrix, [2, 2]);
  matrix[0] = 1000;
  expect(grid.matrixShape).toEqual([4, 4]);
  expect(() => ((grid.matrixShape as [number, number])[0] = 1000)).toThrow(TypeError);
  expect(() => ((grid as { blocks: number }).blocks = 1000)).toThrow(TypeError);
});

it('a pattern that was written into is refused by the kernels', () => {
  const pattern = patternOf(blockGrid([4, 4], [2, 2]), Uint8Array.of(1, 0, 0, 1));
  pattern.indices[1] = 1 << 20;
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const values = tf.ones([8]);
    const run = () =>
      tf.engine().runKernel('ScatterBlocks', { values }, { pattern } as unknown as tf.NamedAttrMap);
    expect(run).toThrow('Block 1 lies in block column 1048576');
  });
  expect(tf.memory().numTensors).toBe(before);
});

describe('memory of the wasm backend', () => {
  it('is not had modulo 4 GiB', () => {
    // 2^30 + 16 floats are 64 bytes beyond 4 GiB.
    expect(() => newOutput(backend(), [2 ** 30 + 16])).toThrow(
      'has no place in the memory of the wasm backend',
    );
    expect(() => newOutput(backend(), [2, -1])).toThrow('its lengths are whole numbers from 0 on');
    expect(() => newOutput(backend(), [NaN])).toThrow('its lengths are whole numbers from 0 on');
  });

  it('is asked for before a tensor is made', () => {
    assertCanBeMade([3, 4], 'the bias');
    assertCanBeMade([0], 'the bias');
    expect(() => assertCanBeMade([2 ** 15, 2 ** 15 + 1], 'dense/bias')).toThrow(
      'dense/bias would be of shape [32768, 32769]',
    );
    expect(() => assertCanBeMade([2 ** 30], 'dense/bias')).toThrow('no memory left for 4294967296 bytes');
    expect(() => assertCanBeMade([1.5], 'dense/bias')).toThrow('dense/bias would be of shape [1.5]');
  });

  it('of a tensor that claims to be larger than its data is not given away', () => {
    const x = tf.ones([4]);
    expect(() => offsetOf(backend(), { dataId: x.dataId, shape: [5], dtype: 'float32' })).toThrow(
      'A tensor of shape [5] does not lie in the memory of the wasm backend: it takes 20 bytes',
    );
    expect(offsetOf(backend(), { dataId: x.dataId, shape: [2, 2], dtype: 'float32' })).toBe(
      offsetOf(backend(), x),
    );
    x.dispose();
  });
});
