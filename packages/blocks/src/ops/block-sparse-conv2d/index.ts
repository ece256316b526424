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
import { BLOCK_SPARSE_KERNEL, type BlockPattern } from '../../pattern.js';
import {
  ACTIVATIONS,
  blockSparseMatMul,
  blockSparseWeightGradient,
  sumOfRows,
  type Activation,
} from '../block-sparse-matmul/index.js';
import {
  assertShape4,
  convolutionInfo,
  isPointwise,
  patchesShape,
  type ConvolutionInfo,
  type ConvolutionOptions,
} from '../im2col/convolution-info.js';
import { col2im, im2col, THE_CONVOLUTION } from '../im2col/index.js';

export interface Conv2dOptions extends ConvolutionOptions {
  /** `[h, w, in, out]`: the pattern's matrix is `(h·w·in) × out`. */
  readonly filterShape: readonly [number, number, number, number];
  /** `[out]` */
  readonly bias?: tf.Tensor1D;
  readonly activation?: Activation;
}

export interface ConvolutionAttributes {
  readonly pattern: BlockPattern;
  readonly info: ConvolutionInfo;
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
    const byProduct = () =>
      (activation === 'relu' ? dy.mul(y!.step()) : dy).reshape<tf.Tensor2D>([-1, info.outChannels]);
    const pieces = piecesOf(info);
    return {
      x: () => {
        const rows = byProduct();
        const images = pieces.map((piece) =>
          tf.tidy(() => {
            const own = rowsOf(rows, piece);
            const patches = blockSparseMatMul(own, values as tf.Tensor1D, pattern, { transposed: true });
            return isPointwise(info)
              ? patches.reshape<tf.Tensor4D>(piece.info.inShape)
              : col2im(patches, piece.info);
          }),
        );
        return tf.concat(images);
      },
      values: () => {
        const rows = byProduct();
        const sumOver = (sum: tf.Tensor1D | null, piece: Piece) =>
          tf.tidy(() => {
            const patches = patchesOf(x as tf.Tensor4D, piece);
            const own = blockSparseWeightGradient(patches, rowsOf(rows, piece), pattern);
            return sum ? sum.add<tf.Tensor1D>(own) : own;
          });
        return pieces.reduce<tf.Tensor1D | null>(sumOver, null)!;
      },
      bias: () => sumOfRows(byProduct()),
    };
  },
});

/** Some of the images, from `first` on. */
interface Piece {
  readonly first: number;
  readonly of: number;
  /** The convolution over those alone. */
  readonly info: ConvolutionInfo;
}

/** Floats of patches at once where they are worked on in the processor's caches; a device takes more. */
const PIECE_FLOATS = new Map([
  ['cpu', 2 ** 18],
  ['wasm', 2 ** 18],
]);
const DEVICE_PIECE_FLOATS = 2 ** 26;

function piecesOf(info: ConvolutionInfo): Piece[] {
  const { batchSize } = info;
  const limit = PIECE_FLOATS.get(tf.getBackend()) ?? DEVICE_PIECE_FLOATS;
  const [rows, columns] = patchesShape({ ...info, batchSize: 1 });
  const images = isPointwise(info) ? batchSize : Math.floor(limit / (rows * columns));
  const size = Math.max(1, Math.min(images, batchSize));
  return Array.from({ length: Math.max(1, Math.ceil(batchSize / size)) }, (_, i) => {
    const first = i * size;
    const count = Math.min(size, batchSize - first);
    const [, ...image] = info.inShape;
    const [, ...result] = info.outShape;
    const own = { batchSize: count, inShape: [count, ...image], outShape: [count, ...result] } as const;
    return { first, of: batchSize, info: { ...info, ...own } as ConvolutionInfo };
  });
}

function patchesOf(x: tf.Tensor4D, piece: Piece): tf.Tensor2D {
  const { first, of, info } = piece;
  const images = info.batchSize === of ? x : x.slice([first, 0, 0, 0], info.inShape);
  return isPointwise(info) ? images.reshape(patchesShape(info)) : im2col(images, info);
}

/** The rows `[patches, out]` of a gradient that belong to a piece. */
function rowsOf(rows: tf.Tensor2D, { first, of, info }: Piece): tf.Tensor2D {
  if (info.batchSize === of) return rows;
  const perImage = info.outHeight * info.outWidth;
  return rows.slice([first * perImage, 0], [info.batchSize * perImage, info.outChannels]);
}
