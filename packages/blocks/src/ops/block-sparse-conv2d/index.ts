/**
 * Convolutions with block-sparse kernels: the patches of the images times the kernel as a matrix.
 *
 * The matrix of patches is `h · w` times as large as the images. It is made piece by piece, some images at a time,
 * and made again for the gradient by the values rather than kept.
 */
import * as tf from '@tensorflow/tfjs';

import { assertChoice, assertIsTensor, assertPattern, assertTensor } from '../../assert-tensor.js';
import { assertKnownOptions } from '../../known-options.js';
import { defineOperation } from '../../operation.js';
import { BLOCK_SPARSE_KERNEL, type BlockPattern, type PatternAttribute } from '../../pattern.js';
import { ACTIVATIONS, blockSparseMatMul, sumOfRows, type Activation } from '../block-sparse-matmul/index.js';
import {
  assertShape4,
  convolutionInfo,
  type ConvolutionOptions,
  type PatchAttributes,
} from '../im2col/convolution-info.js';
import { THE_CONVOLUTION } from '../im2col/index.js';
import {
  composedInputGradient,
  composedValuesGradient,
  patchesOf,
  piecesOf,
  type GradientAttributes,
} from './composed.js';

export interface Conv2dOptions extends ConvolutionOptions {
  /** `[h, w, in, out]`: the pattern's matrix is `(h·w·in) × out`. */
  readonly filterShape: readonly [number, number, number, number];
  /** `[out]` */
  readonly bias?: tf.Tensor1D;
  readonly activation?: Activation;
}

export interface ConvolutionAttributes extends PatternAttribute, PatchAttributes {
  readonly activation: Activation;
}

const OPTIONS: readonly (keyof Conv2dOptions)[] = [
  ...(['filterShape', 'strides', 'pad', 'dilations', 'bias', 'activation'] as const),
];

/**
 * `tf.conv2d` over the kept blocks of the filter alone.
 *
 * @param x `[B, H, W, in]`
 * @param values `[size]`
 * @returns `[B, OH, OW, out]`
 * @throws TypeError for arguments of other types and options that there are not; RangeError for shapes that do not fit the
 *   pattern, Error from tfjs for those that fit no convolution
 */
export function blockSparseConv2d(
  x: tf.Tensor4D,
  values: tf.Tensor1D,
  pattern: BlockPattern,
  all: Conv2dOptions,
): tf.Tensor4D {
  assertPattern(pattern);
  assertKnownOptions(all, OPTIONS, 'blockSparseConv2d()');
  const { filterShape, bias, activation = 'linear', ...options } = all;
  assertShape4(filterShape, 'filterShape');
  assertChoice(activation, ACTIVATIONS, 'activation');
  assertIsTensor(x, 'x');
  const [h, w, channels, filters] = filterShape;
  if (h * w * channels !== pattern.matrixShape[0] || filters !== pattern.matrixShape[1]) {
    throw new RangeError(
      `A filter of shape [${filterShape.join(', ')}] is a matrix [${h * w * channels}, ${filters}], ` +
        `the pattern is of [${pattern.matrixShape.join(', ')}]`,
    );
  }
  const info = convolutionInfo(x.shape, filterShape, options);
  assertTensor(x, info.inShape, 'x', THE_CONVOLUTION);
  assertTensor(values, [pattern.size], 'values', BLOCK_SPARSE_KERNEL);
  if (bias) assertTensor(bias, [filters], 'bias', BLOCK_SPARSE_KERNEL);
  return convolve({ x, values, ...(bias && { bias }) }, { pattern, info, activation });
}

const convolve = defineOperation<ConvolutionAttributes, tf.Tensor4D>({
  name: 'BlockSparseConv2D',
  inputsToSave: ['x', 'values'],
  savesOutput: true,
  composed: ({ x, values, bias }, { pattern, info, activation }) => {
    const options = { activation, ...(bias && { bias: bias as tf.Tensor1D }) };
    const products = piecesOf(info).map((piece) =>
      tf.tidy(() =>
        blockSparseMatMul(patchesOf(x as tf.Tensor4D, piece), values as tf.Tensor1D, pattern, options),
      ),
    );
    return tf.concat(products).reshape(info.outShape);
  },
  gradient: (dy, [x, values, y], { pattern, info, activation }) => {
    // Once for all that ask for it, as tfjs' own fused ops do.
    const byProduct = activation === 'relu' ? dy.mul<tf.Tensor4D>(y!.step()) : (dy as tf.Tensor4D);
    return {
      x: (): tf.Tensor => inputGradient({ dy: byProduct, values: values! }, { pattern, info }),
      values: (): tf.Tensor => valuesGradient({ x: x!, dy: byProduct }, { pattern, info }),
      bias: (): tf.Tensor => sumOfRows(byProduct.reshape<tf.Tensor2D>([-1, info.outChannels])),
    };
  },
});

/** The gradient by the images, of dy and the values; linear in both. */
const inputGradient = defineOperation<GradientAttributes, tf.Tensor4D>({
  name: 'BlockSparseConv2DBackpropInput',
  inputsToSave: ['dy', 'values'],
  composed: composedInputGradient,
  gradient: (ddx, [dy, values], { pattern, info }) => ({
    dy: (): tf.Tensor => convolve({ x: ddx, values: values! }, { pattern, info, activation: 'linear' }),
    values: (): tf.Tensor => valuesGradient({ x: ddx, dy: dy! }, { pattern, info }),
  }),
});

/** The gradient by the values, of the images and dy; linear in both. */
const valuesGradient = defineOperation<GradientAttributes, tf.Tensor1D>({
  name: 'BlockSparseConv2DBackpropValues',
  inputsToSave: ['x', 'dy'],
  composed: composedValuesGradient,
  gradient: (ddv, [x, dy], { pattern, info }) => ({
    x: (): tf.Tensor => inputGradient({ dy: dy!, values: ddv }, { pattern, info }),
    dy: (): tf.Tensor => convolve({ x: x!, values: ddv }, { pattern, info, activation: 'linear' }),
  }),
});
