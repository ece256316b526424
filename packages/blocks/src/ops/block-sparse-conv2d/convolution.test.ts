import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { foldedPatches, unfoldedPatches } from './composed/patches.js';
import { convolutionInfo, patchesShape } from './convolution-info.js';
import { blockSparseConv2d, gatherBlocks, scatterBlocks } from './index.js';
import { col2im, im2col } from './ops.js';
import {
  blocksOf,
  convolutions,
  expectClose,
  finiteDifferences,
  patternKeeping,
  randomTensor,
  weightMask,
  withoutLeaks,
  type ConvolutionCase,
} from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function check(property: (convolution: ConvolutionCase) => void): void {
  fc.assert(
    fc.property(convolutions, (convolution) => withoutLeaks(() => property(convolution))),
    { numRuns: 60 },
  );
}

// Without relu: where two ways of summing differ in the last bit of a sum near zero, its gradients differ by all.
it('is the convolution with the masked filter, and so are its gradients', () => {
  check(({ inputShape, filterShape, options, pattern }) => {
    const x = randomTensor<tf.Tensor4D>(inputShape, 1);
    const matrix = randomTensor(pattern.matrixShape, 2);
    const bias = randomTensor<tf.Tensor1D>([filterShape[3]], 3);
    const mask = weightMask(pattern);
    const dense = (x: tf.Tensor, matrix: tf.Tensor, bias: tf.Tensor) =>
      denseConvolution(x as tf.Tensor4D, matrix.mul(mask).reshape(filterShape), options).add(bias);
    const sparse = (x: tf.Tensor, values: tf.Tensor, bias: tf.Tensor) =>
      blockSparseConv2d(x as tf.Tensor4D, values as tf.Tensor1D, pattern, {
        filterShape,
        ...options,
        bias: bias as tf.Tensor1D,
      });
    const values = gatherBlocks(matrix, pattern);
    const y = dense(x, matrix, bias);
    expectClose(sparse(x, values, bias), y);

    const weight = randomTensor(y.shape, 4);
    const [dx, dMatrix, dBias] = tf.grads((x, matrix, bias) => dense(x!, matrix!, bias!).mul(weight))([
      x,
      matrix,
      bias,
    ]);
    const gradients = tf.grads((x, values, bias) => sparse(x!, values!, bias!).mul(weight))([
      x,
      values,
      bias,
    ]);
    expectClose(gradients[0]!, dx!);
    expectClose(gradients[1]!, blocksOf(dMatrix!.dataSync(), pattern));
    expectClose(gradients[2]!, dBias!);
  });
});

it('is the same image by image, where the patches of all are too many at once', () => {
  withoutLeaks(() => {
    const filterShape: [number, number, number, number] = [3, 3, 32, 8];
    const pattern = patternKeeping([288, 8], [8, 8], 'some', 1);
    const images = randomTensor<tf.Tensor4D>([3, 40, 40, 32], 1);
    const values = randomTensor<tf.Tensor1D>([pattern.size], 2);
    const sparse = (x: tf.Tensor, values: tf.Tensor) =>
      blockSparseConv2d(x as tf.Tensor4D, values as tf.Tensor1D, pattern, {
        filterShape,
        strides: 2,
        activation: 'relu',
      });
    const dense = (x: tf.Tensor, values: tf.Tensor) => {
      const filter = scatterBlocks(values as tf.Tensor1D, pattern).reshape<tf.Tensor4D>(filterShape);
      return tf.conv2d(x as tf.Tensor4D, filter, 2, 'valid').relu();
    };
    const y = dense(images, values);
    expectClose(sparse(images, values), y);
    const [gradients, expected] = [sparse, dense].map((f) =>
      tf.grads((x, values) => f(x!, values!).mul(randomTensor(y.shape, 3)))([images, values]),
    );
    expected!.forEach((gradient, i) => expectClose(gradients![i]!, gradient));
  });
});

describe('patches', () => {
  it('of the cpu kernels and of the composition are the same', () => {
    check(({ inputShape, filterShape, options }) => {
      const info = convolutionInfo(inputShape, filterShape, options);
      const x = randomTensor<tf.Tensor4D>(inputShape, 1);
      const patches = im2col(x, info);
      expectClose(unfoldedPatches({ x }, { info }), patches, 0);
      expectClose(foldedPatches({ patches }, { info }), col2im(patches, info), 1e-6);
    });
  });

  it('fold as the adjoint of unfolding', () => {
    const info = convolutionInfo([1, 4, 5, 2], [2, 3, 2, 1], { strides: [1, 2], pad: 'same' });
    const x = randomTensor<tf.Tensor4D>([1, 4, 5, 2], 1);
    const weight = randomTensor(patchesShape(info), 2);
    const loss = (x: tf.Tensor) =>
      im2col(x as tf.Tensor4D, info)
        .mul(weight)
        .sum() as tf.Scalar;
    expectClose(tf.grad(loss)(x), finiteDifferences(loss, [x])[0]!, 5e-3);
  });
});

it('gives no images for none', () => {
  const pattern = patternKeeping([18, 4], [2, 2], 'all', 1);
  const none = tf.zeros<tf.Rank.R4>([0, 5, 5, 2]);
  const y = blockSparseConv2d(none, randomTensor<tf.Tensor1D>([pattern.size]), pattern, {
    filterShape: [3, 3, 2, 4],
  });
  expect(y.shape).toEqual([0, 3, 3, 4]);
});

it('refuses a filter that is not of the pattern', () => {
  const pattern = patternKeeping([18, 4], [2, 2], 'all', 1);
  expect(() =>
    blockSparseConv2d(tf.zeros([1, 5, 5, 2]), tf.zeros([pattern.size]), pattern, {
      filterShape: [3, 3, 1, 4],
    }),
  ).toThrow('A filter of shape [3, 3, 1, 4] is a matrix [9, 4], the pattern is of [18, 4]');
});

/** tfjs has no gradient of a dilated convolution: the filter is spread by zeros instead. */
function denseConvolution(
  x: tf.Tensor4D,
  filter: tf.Tensor4D,
  options: ConvolutionCase['options'],
): tf.Tensor4D {
  const [h, w, channels, filters] = filter.shape;
  const [down, across] = options.dilations;
  const spread = filter
    .reshape([h, 1, w, 1, channels * filters])
    .pad([
      [0, 0],
      [0, down - 1],
      [0, 0],
      [0, across - 1],
      [0, 0],
    ])
    .reshape<tf.Tensor4D>([h * down, w * across, channels, filters])
    .slice([0, 0, 0, 0], [(h - 1) * down + 1, (w - 1) * across + 1, channels, filters]);
  if (typeof options.pad === 'string') return tf.conv2d(x, spread, options.strides, options.pad);
  const around: [number, number] = [options.pad, options.pad];
  return tf.conv2d(x.pad<tf.Tensor4D>([[0, 0], around, around, [0, 0]]), spread, options.strides, 'valid');
}
