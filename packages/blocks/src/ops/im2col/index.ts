/** The patches of images that a filter sees, and their way back: a convolution becomes a product with a matrix. */
import type * as tf from '@tensorflow/tfjs';

import { defineOperation } from '../../operation.js';
import { foldedPatches, unfoldedPatches } from './composed.js';
import type { ConvolutionInfo, PatchAttributes } from './convolution-info.js';

/** The patches of an image under each place of a filter, `[B·OH·OW, h·w·C]`. Adjoint to `col2im`. */
export function im2col(x: tf.Tensor4D, info: ConvolutionInfo): tf.Tensor2D {
  return unfold({ x }, { info });
}

/** `[B, H, W, C]`: every patch added where it was taken from. */
export function col2im(patches: tf.Tensor2D, info: ConvolutionInfo): tf.Tensor4D {
  return fold({ patches }, { info });
}

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
