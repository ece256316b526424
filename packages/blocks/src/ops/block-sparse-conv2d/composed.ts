/**
 * The gradients of a block-sparse convolution by products with the matrix of patches, which is made piece by piece: what
 * a backend without kernels of its own for them does.
 */
import * as tf from '@tensorflow/tfjs';

import type { OperationInputs } from '../../operation.js';
import type { PatternAttribute } from '../../pattern.js';
import { blockSparseMatMul, blockSparseWeightGradient } from '../block-sparse-matmul/index.js';
import {
  isPointwise,
  patchesShape,
  type ConvolutionInfo,
  type PatchAttributes,
} from '../im2col/convolution-info.js';
import { col2im, im2col } from '../im2col/index.js';

/** What the kernels of the gradients receive beside their input tensors. */
export interface GradientAttributes extends PatternAttribute, PatchAttributes {}

/** dy `[B, OH, OW, out]`, values → `[B, H, W, in]`. */
export function composedInputGradient(
  { dy, values }: OperationInputs,
  { pattern, info }: GradientAttributes,
): tf.Tensor4D {
  const rows = dy!.reshape<tf.Tensor2D>([-1, info.outChannels]);
  const images = piecesOf(info).map((piece) =>
    tf.tidy(() => {
      const own = rowsOf(rows, piece);
      const patches = blockSparseMatMul(own, values as tf.Tensor1D, pattern, { transposed: true });
      return isPointwise(info)
        ? patches.reshape<tf.Tensor4D>(piece.info.inShape)
        : col2im(patches, piece.info);
    }),
  );
  return tf.concat(images);
}

/** x `[B, H, W, in]`, dy `[B, OH, OW, out]` → `[size]`. */
export function composedValuesGradient(
  { x, dy }: OperationInputs,
  { pattern, info }: GradientAttributes,
): tf.Tensor1D {
  const rows = dy!.reshape<tf.Tensor2D>([-1, info.outChannels]);
  const sumOver = (sum: tf.Tensor1D | null, piece: Piece) =>
    tf.tidy(() => {
      const patches = patchesOf(x as tf.Tensor4D, piece);
      const own = blockSparseWeightGradient(patches, rowsOf(rows, piece), pattern);
      return sum ? sum.add<tf.Tensor1D>(own) : own;
    });
  return piecesOf(info).reduce<tf.Tensor1D | null>(sumOver, null)!;
}

/** Some of the images, from `first` on. */
export interface Piece {
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

export function piecesOf(info: ConvolutionInfo): Piece[] {
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

export function patchesOf(x: tf.Tensor4D, piece: Piece): tf.Tensor2D {
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
