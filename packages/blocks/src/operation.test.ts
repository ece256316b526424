/** A backend that has no kernel of ours: wasm, whose own are taken away here. */
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { beforeAll, describe, expect, it } from 'vitest';

import {
  blockSparseConv2d,
  blockSparseMatMul,
  blockValuesDot,
  gatherBlocks,
  scaleBlockValues,
  scatterBlocks,
} from './index.js';
import { expectClose, patternKeeping, randomTensor } from './test-support.js';

const NAMES = [
  ...['BlockSparseMatMul', 'BlockSparseWeightGradient', 'BlockSparseConv2D', 'Im2Col', 'Col2Im'],
  ...['GatherBlocks', 'ScatterBlocks', 'ScaleBlockValues', 'BlockValuesDot'],
];

beforeAll(() => {
  for (const name of NAMES) {
    expect(tf.getKernel(name, 'wasm'), name).toBeDefined();
    tf.unregisterKernel(name, 'wasm');
  }
});

const pattern = patternKeeping([18, 10], [4, 3], 'some', 2);
const { size, grid } = pattern;
const filter = { filterShape: [3, 3, 2, 10] as const, strides: 2, pad: 'same' as const };
type T1 = tf.Tensor1D;
type T2 = tf.Tensor2D;

const operations: Record<string, [(...inputs: tf.Tensor[]) => tf.Tensor, number[][]]> = {
  'a product': [
    (x, v, b) => blockSparseMatMul(x as T2, v as T1, pattern, { bias: b as T1 }),
    [[5, 18], [size], [10]],
  ],
  'a transposed product': [
    (y, v) => blockSparseMatMul(y as T2, v as T1, pattern, { transposed: true }),
    [[5, 10], [size]],
  ],
  'a convolution': [
    (x, v) => blockSparseConv2d(x as tf.Tensor4D, v as T1, pattern, filter),
    [[2, 7, 6, 2], [size]],
  ],
  'a gather': [(matrix) => gatherBlocks(matrix as T2, pattern), [[18, 10]]],
  'a scatter': [(v) => scatterBlocks(v as T1, pattern), [[size]]],
  'a scale': [(v, s) => scaleBlockValues(v as T1, s as T2, pattern), [[size], [...grid.gridShape]]],
  'inner products': [(a, b) => blockValuesDot(a as T1, b as T1, pattern), [[size], [size]]],
};

describe('a backend without kernels', () => {
  it.each(Object.entries(operations))(
    'composes %s and its gradients of the ops of tfjs',
    async (_, [op, shapes]) => {
      const compute = () => {
        const inputs = shapes.map((shape, i) => randomTensor<tf.Tensor>(shape, i + 1));
        const y = op(...inputs);
        return [y, ...tf.grads((...inputs) => op(...inputs).mul(randomTensor(y.shape, 9)))(inputs)];
      };
      await tf.setBackend('cpu');
      const expected = tf.tidy(compute).map((tensor) => {
        const values = [...tensor.dataSync()];
        tensor.dispose();
        return values;
      });
      await tf.setBackend('wasm');
      const before = tf.memory().numTensors;
      const actual = tf.tidy(compute);
      actual.forEach((tensor, i) => expectClose(tensor, expected[i]!));
      expect(tf.memory().numTensors).toBe(before + actual.length);
      tf.dispose(actual);
    },
  );

  it('has the composition as its kernel from then on', () => {
    for (const name of NAMES) expect(tf.getKernel(name, 'wasm'), name).toBeDefined();
  });
});
