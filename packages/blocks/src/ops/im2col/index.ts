/** The patches of images that a filter sees, and their way back: a convolution becomes a product with a matrix. */
import type * as tf from '@tensorflow/tfjs';

import { assertTensor } from '../../assert-tensor.js';
import { defineOperation } from '../../operation.js';
import { foldedPatches, unfoldedPatches } from './composed.js';
import {
  assertConvolution,
  patchesShape,
  type ConvolutionInfo,
  type PatchAttributes,
} from './convolution-info.js';

/**
 * The patches of an image under each place of a filter, `[B·OH·OW, h·w·C]`. Adjoint to `col2im`.
 *
 * @param x `[B, H, W, C]`
 * @throws RangeError for an image that is not of the convolution
 */
export function im2col(x: tf.Tensor4D, info: ConvolutionInfo): tf.Tensor2D {
  assertConvolution(info, 'im2col()');
  assertTensor(x, info.inShape, 'x', THE_CONVOLUTION);
  return unfold({ x }, { info });
}

/**
 * Every patch added where it was taken from, `[B, H, W, C]`.
 *
 * @param patches `[B·OH·OW, h·w·C]`
 * @throws RangeError for patches that are not of the convolution
 */
export function col2im(patches: tf.Tensor2D, info: ConvolutionInfo): tf.Tensor4D {
  assertConvolution(info, 'col2im()');
  assertTensor(patches, patchesShape(info), 'patches', THE_CONVOLUTION);
  return fold({ patches }, { info });
}

export const THE_CONVOLUTION = 'the convolution';

const unfold = defineOperation<PatchAttributes, tf.Tensor2D>({
  name: 'Im2Col',
  composed: unfoldedPatches,
  gradient: (dy, _saved, { info }) => ({ x: () => col2im(dy as tf.Tensor2D, info) }),
});

const fold = defineOperation<PatchAttributes, tf.Tensor4D>({
  name: 'Col2Im',
  composed: foldedPatches,
  gradient: (dy, _saved, { info }) => ({ patches: () => im2col(dy as tf.Tensor4D, info) }),
});
