/** What the table does not tell of the ops on kept blocks: second derivatives, and what is refused. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import '../../backends/cpu.js';
import { expectClose, finiteDifferences, patternKeeping, randomTensor } from '../../test-support.js';
import { gatherBlocks } from '../gather-blocks/index.js';
import { scaleBlockValues } from '../scale-block-values/index.js';
import { blockSparseMatMul } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

it('gradients have gradients: second derivatives', () => {
  tf.tidy(() => {
    const pattern = patternKeeping([6, 6], [2, 2], 'some', 5);
    const slope = (...[x, values]: tf.Tensor[]) =>
      tf
        .grad((x) =>
          blockSparseMatMul(x as tf.Tensor2D, values as tf.Tensor1D, pattern)
            .square()
            .sum(),
        )(x!)
        .mul(randomTensor([2, 6], 9))
        .sum() as tf.Scalar;
    const inputs = [randomTensor([2, 6], 1), randomTensor([pattern.size], 3)];
    const numeric = finiteDifferences(slope, inputs);
    tf.grads(slope)(inputs).forEach((gradient, i) => expectClose(gradient, numeric[i]!, 5e-3));
  });
});

describe('what does not fit', () => {
  const pattern = patternKeeping([4, 6], [2, 2], 'all', 1);
  const values = () => tf.zeros<tf.Rank.R1>([24]);
  it.each([
    [
      'x',
      () => blockSparseMatMul(tf.zeros([1, 6]), values(), pattern),
      'x has shape [1, 6], the block-sparse kernel wants [1, 4]',
    ],
    ['values', () => blockSparseMatMul(tf.zeros([1, 4]), tf.zeros([23]), pattern), 'values has shape [23]'],
    [
      'a bias',
      () => blockSparseMatMul(tf.zeros([1, 4]), values(), pattern, { bias: tf.zeros([4]) }),
      'bias has shape [4]',
    ],
    ['a type', () => blockSparseMatMul(tf.zeros([1, 4], 'int32'), values(), pattern), 'x is of int32'],
    [
      'a transposed product with an activation',
      () => blockSparseMatMul(tf.zeros([1, 6]), values(), pattern, { transposed: true, activation: 'relu' }),
      'takes no bias and no activation',
    ],
    ['a scale', () => scaleBlockValues(values(), tf.zeros([2, 2]), pattern), 'scale has shape [2, 2]'],
    ['a matrix', () => gatherBlocks(tf.zeros([6, 4]), pattern), 'matrix has shape [6, 4]'],
  ])('is refused by name: %s', (_, run, message) => {
    expect(() => tf.tidy<tf.Tensor>(run)).toThrow(message);
  });
});
