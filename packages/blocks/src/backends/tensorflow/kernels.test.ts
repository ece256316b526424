/** What holds of kernels made of TensorFlow's own ops beside their results, where an addon of it is installed. */
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import '../tensorflow.js';
import { gatherBlocks } from '../../ops/gather-blocks/index.js';
import { cases, plain, transposed, type Product } from '../../ops/block-sparse-matmul/cases.js';
import { blockSparseMatMul, blockSparseWeightGradient } from '../../ops/block-sparse-matmul/index.js';
import { planOf, wholeUpTo } from '../../ops/block-sparse-matmul/lines.js';
import { expectClose, patternKeeping, randomTensor, weightMask } from '../../test-support.js';
import { expectKernelsAsDefined } from '../../test-table.js';
import { startTensorflow, withoutNativeKernels } from '../../test-tensorflow.js';

const tensorflow = await startTensorflow();
const weightGradient = cases.find(({ name }) => name === 'blockSparseWeightGradient')!;

/** Tensors of TensorFlow's own, those that tfjs does not know of among them. */
const held = () =>
  (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding.getNumOfTensors();

describe.skipIf(tensorflow.absent)(`on tensorflow (${tensorflow.where})`, () => {
  let undo: () => void;
  beforeAll(async () => {
    await tf.setBackend('tensorflow');
    undo = withoutNativeKernels();
  });
  afterAll(() => undo());

  it('computes more rows than it gathers at once', async () => {
    const settings: Product = { pattern: patternKeeping([64, 64], [8, 1], 'all', 1), batch: 1100 };
    expect(planOf(settings.pattern, false, settings.batch).rowsAtOnce).toBeLessThan(settings.batch);
    await expectKernelsAsDefined(plain, settings, 1);
    await expectKernelsAsDefined(transposed, settings, 2);
    await expectKernelsAsDefined(weightGradient, settings, 3);
  });

  it('keeps of a pattern its tables, and of values that come again what is made of them, once', () => {
    const pattern = patternKeeping([96, 80], [16, 16], 'some', 5);
    const x = randomTensor([7, 96], 1);
    const dy = randomTensor([7, 80], 2);
    const step = () =>
      tf.tidy(() => {
        const values = gatherBlocks(randomTensor([96, 80], 3), pattern);
        blockSparseMatMul(x, values, pattern);
        blockSparseMatMul(dy, values, pattern, { transposed: true });
        blockSparseWeightGradient(x, dy, pattern);
      });
    step();
    const afterOne = held();
    for (let i = 0; i < 20; i++) step();
    expect(held()).toBe(afterOne);
    const values = gatherBlocks(randomTensor([96, 80], 4), pattern);
    const predict = () => blockSparseMatMul(x, values, pattern).dispose();
    for (let i = 0; i < 3; i++) predict();
    const predicted = held();
    for (let i = 0; i < 20; i++) predict();
    expect(held()).toBe(predicted);
    tf.dispose([x, dy, values]);
  });

  it.each(['few', 'some'] as const)('multiplies by the values of the moment, %s blocks kept', (kept) => {
    const pattern = patternKeeping([64, 48], [8, 8], kept, 6);
    const mask = weightMask(pattern);
    const x = randomTensor([3, 64], 1);
    for (const seed of [10, 11]) {
      const matrix = randomTensor([64, 48], seed);
      const values = gatherBlocks(matrix, pattern);
      const wanted = x.matMul(matrix.mul(mask));
      // The first, then what is kept.
      for (let i = 0; i < 3; i++) {
        const y = blockSparseMatMul(x, values, pattern);
        expectClose(y, wanted, 1e-5);
        y.dispose();
      }
      tf.dispose([matrix, values, wanted]);
    }
    tf.dispose([mask, x]);
  });
});

describe('a kernel is multiplied by whole', () => {
  it('up to more rows, the smaller it is, and never above 1 MB', () => {
    const rows = ([side, block]: [number, number]) =>
      wholeUpTo(patternKeeping([side, side], [block, block], 'few', 7));
    expect(rows([64, 8])).toBeGreaterThanOrEqual(rows([256, 8]));
    expect(rows([256, 8])).toBeGreaterThan(0);
    expect(rows([520, 8])).toBe(0);
    expect(rows([1024, 4])).toBe(0);
  });
});
