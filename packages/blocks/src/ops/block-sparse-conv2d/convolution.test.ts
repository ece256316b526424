/** What the table does not tell of convolutions: those of more patches than are made at once, and what is refused. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import '../../backends/cpu.js';
import '../../backends/wasm.js';
import { expectAsDefined } from '../../test-table.js';
import { patternKeeping } from '../../test-support.js';
import { tapsOf, type Convolution } from '../im2col/cases.js';
import { convolutionInfo } from '../im2col/convolution-info.js';
import { col2im, im2col } from '../im2col/index.js';
import { convolve } from './cases.js';
import { blockSparseConv2d } from './index.js';

describe.each(['cpu', 'wasm'])('on %s, where patches are made piece by piece', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each([
    ['those of several images fit at once', [5, 12, 12, 32], [3, 3, 32, 8]],
    ['those of one', [3, 20, 20, 32], [3, 3, 32, 8]],
    ['those of some rows of one', [2, 40, 41, 32], [3, 3, 32, 8]],
    ['the images are their own patches', [2, 30, 30, 64], [1, 1, 64, 8]],
  ] as const)('a convolution is as defined: %s', async (_, inputShape, filterShape) => {
    for (const stride of process.env['ESPALIER_LONG'] ? [1, 2] : [backend === 'cpu' ? 2 : 1]) {
      const convolution: Convolution = {
        inputShape: [...inputShape],
        filterShape: [...filterShape],
        options: { strides: [stride, stride], dilations: [1, 1], pad: 'same' },
      };
      const pattern = patternKeeping([tapsOf(convolution), 8], [8, 8], 'few', 3);
      await expectAsDefined(convolve('relu'), { convolution, pattern }, stride);
    }
  });
});

describe('what does not fit', () => {
  const pattern = patternKeeping([18, 4], [2, 2], 'all', 1);
  const filterShape = [3, 3, 2, 4] as const;
  const info = convolutionInfo([1, 5, 5, 2], filterShape);
  const zeros = <T extends tf.Tensor>(...shape: number[]) => tf.fill(shape, 0) as T;
  const images = () => zeros<tf.Tensor4D>(1, 5, 5, 2);
  it.each([
    [
      'a filter that is not of the pattern',
      () => blockSparseConv2d(images(), zeros(72), pattern, { filterShape: [3, 3, 1, 4] }),
      'A filter of shape [3, 3, 1, 4] is a matrix [9, 4], the pattern is of [18, 4]',
    ],
    [
      'another number of values',
      () => blockSparseConv2d(images(), zeros(71), pattern, { filterShape }),
      'values has shape [71], the block-sparse kernel wants [72]',
    ],
    [
      'a bias of another length',
      () => blockSparseConv2d(images(), zeros(72), pattern, { filterShape, bias: zeros(3) }),
      'bias has shape [3], the block-sparse kernel wants [4]',
    ],
    [
      'images of whole numbers',
      () => blockSparseConv2d(images().toInt(), zeros(72), pattern, { filterShape }),
      'x is of int32: the convolution is of float32',
    ],
    [
      'images of another size',
      () => im2col(zeros(1, 5, 4, 2), info),
      'x has shape [1, 5, 4, 2], the convolution wants [1, 5, 5, 2]',
    ],
    [
      'another number of patches',
      () => col2im(zeros(8, 18), info),
      'patches has shape [8, 18], the convolution wants [9, 18]',
    ],
  ])('is refused by name: %s', async (_, run, message) => {
    await tf.setBackend('cpu');
    expect(() => tf.tidy<tf.Tensor>(run)).toThrow(message);
  });
});
