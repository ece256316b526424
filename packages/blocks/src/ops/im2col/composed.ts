/** Patches of images by ops of tfjs: one strided slice a tap. */
import * as tf from '@tensorflow/tfjs';

import type { OperationInputs } from '../../operation.js';
import { patchesShape, type ConvolutionInfo, type PatchAttributes } from './convolution-info.js';

/** Im2Col: x `[B, H, W, C]` → `[B·OH·OW, h·w·C]`. */
export function unfoldedPatches({ x }: OperationInputs, { info }: PatchAttributes): tf.Tensor2D {
  const shape = patchesShape(info);
  if (shape[0] === 0) return tf.zeros(shape);
  const { batchSize, inChannels, strideHeight, strideWidth, padInfo } = info;
  const padded = (x as tf.Tensor4D).pad([
    [0, 0],
    [padInfo.top, padInfo.bottom],
    [padInfo.left, padInfo.right],
    [0, 0],
  ]);
  const [down, across] = reach(info);
  const slices = taps(info).map(([row, column]) =>
    padded.stridedSlice(
      [0, row, column, 0],
      [batchSize, row + down, column + across, inChannels],
      [1, strideHeight, strideWidth, 1],
    ),
  );
  return tf.concat(slices, 3).reshape(shape);
}

/** Col2Im: patches `[B·OH·OW, h·w·C]` → `[B, H, W, C]`. */
export function foldedPatches({ patches }: OperationInputs, { info }: PatchAttributes): tf.Tensor4D {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth } = info;
  const shape: [number, number, number, number] = [batchSize, inHeight, inWidth, inChannels];
  const [rows, width] = patchesShape(info);
  if (rows === 0) return tf.zeros(shape);
  const { top, bottom, left, right } = info.padInfo;
  const [down, across] = reach(info);
  const byTap = patches!.reshape<tf.Tensor4D>([batchSize, outHeight, outWidth, width]);
  const parts = taps(info).map(([row, column], tap) => {
    const own = byTap.slice([0, 0, 0, tap * inChannels], [-1, -1, -1, inChannels]);
    return spreadByStrides(own, info).pad<tf.Tensor4D>([
      [0, 0],
      [row, top + inHeight + bottom - row - down],
      [column, left + inWidth + right - column - across],
      [0, 0],
    ]);
  });
  return sumOf(parts).slice([0, top, left, 0], shape);
}

/** In a browser tfjs' webgpu backend (4.22) binds eight buffers to a shader: of a sum of more it makes nothing. */
const SUMMED_AT_ONCE = 7;

function sumOf(parts: readonly tf.Tensor4D[]): tf.Tensor4D {
  const sum = tf.addN(parts.slice(0, SUMMED_AT_ONCE)) as tf.Tensor4D;
  return parts.length <= SUMMED_AT_ONCE ? sum : sumOf([sum, ...parts.slice(SUMMED_AT_ONCE)]);
}

/** Row and column of the padded image at which each tap of the filter begins. */
function taps({
  filterHeight,
  filterWidth,
  dilationHeight,
  dilationWidth,
}: ConvolutionInfo): [number, number][] {
  return Array.from({ length: filterHeight * filterWidth }, (_, tap) => [
    Math.floor(tap / filterWidth) * dilationHeight,
    (tap % filterWidth) * dilationWidth,
  ]);
}

/** How many rows and columns of the padded image each tap runs over. */
function reach({ outHeight, outWidth, strideHeight, strideWidth }: ConvolutionInfo): [number, number] {
  return [(outHeight - 1) * strideHeight + 1, (outWidth - 1) * strideWidth + 1];
}

/** `[B, OH, OW, C]` with zeros between rows and between columns, as far apart as the strides set them. */
function spreadByStrides(x: tf.Tensor4D, info: ConvolutionInfo): tf.Tensor4D {
  const [batch, rows, columns, channels] = x.shape;
  const { strideHeight, strideWidth } = info;
  if (strideHeight === 1 && strideWidth === 1) return x;
  const spacedAcross = padColumns(x.reshape([-1, channels]), (strideWidth - 1) * channels);
  const spaced = padColumns(
    spacedAcross.reshape([batch * rows, -1]),
    (strideHeight - 1) * columns * strideWidth * channels,
  );
  return spaced
    .reshape<tf.Tensor4D>([batch, rows * strideHeight, columns * strideWidth, channels])
    .slice([0, 0, 0, 0], [batch, ...reach(info), channels]);
}

function padColumns(matrix: tf.Tensor2D, zeros: number): tf.Tensor2D {
  return matrix.pad([
    [0, 0],
    [0, zeros],
  ]);
}
