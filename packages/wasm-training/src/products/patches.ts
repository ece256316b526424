// A convolution as a product of its patches with the filter, and the pieces in which it is made.

import type { ConvolutionGeometry } from '../wasm/exports.js';
import { byWinograd } from './winograd.js';

/** A convolution as a product of matrices. */
export interface PatchProduct {
  readonly geometry: ConvolutionGeometry;
  /** Rows of the patch matrix: pixels of the output. */
  readonly rows: number;
  /** Columns of the patch matrix: floats that the filter sees. */
  readonly depth: number;
  readonly outChannels: number;
  /** Whether the input is the patch matrix. */
  readonly pointwise: boolean;
}

export function patchProductOf(geometry: ConvolutionGeometry): PatchProduct {
  const [batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth] =
    geometry;
  const [strideHeight, strideWidth, , , padTop, padLeft] = geometry.slice(9);
  return {
    geometry,
    rows: batch * outHeight * outWidth,
    depth: filterHeight * filterWidth * channels,
    outChannels,
    pointwise:
      [filterHeight, filterWidth, strideHeight, strideWidth].every((size) => size === 1) &&
      outHeight === height &&
      outWidth === width &&
      padTop === 0 &&
      padLeft === 0,
  };
}

/** Multiply-adds. */
export function workOf({ rows, depth, outChannels }: PatchProduct): number {
  return rows * depth * outChannels;
}

/** Size of the piece of the patch matrix that the kernels work on at once: half a megabyte stays in the second-level cache. */
const PATCH_FLOATS = 2 ** 17;
/** A chunk of more rows is a multiple of these: the product over it, in the gradient by the filter, takes even steps. */
const PATCH_ROWS = 256;

/** Rows of the patch matrix that the kernels work on at once. */
export function chunkRows(depth: number): number {
  const fitting = Math.max(1, Math.floor(PATCH_FLOATS / Math.max(1, depth)));
  return fitting > PATCH_ROWS ? fitting - (fitting % PATCH_ROWS) : fitting;
}

/**
 * The gradient by the input as a convolution of dy with the turned filter, or null. Gathering patches is faster than adding
 * them up; it is possible at strides of one, and no more work where dy has no more channels than x, or by Winograd's filtering.
 */
export function turnedProduct({ geometry, pointwise }: PatchProduct): PatchProduct | null {
  const [, , , channels, , , outChannels] = geometry;
  const [strideHeight, strideWidth] = geometry.slice(9) as [number, number];
  if (pointwise || strideHeight !== 1 || strideWidth !== 1) return null;
  const turned = patchProductOf(turnedGeometry(geometry));
  return outChannels <= channels || byWinograd(turned.geometry) ? turned : null;
}

/** Of the convolution of dy with the turned filter that makes the gradient by the input, at strides of one. */
export function turnedGeometry(geometry: ConvolutionGeometry): ConvolutionGeometry {
  const [batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth] =
    geometry;
  const [, , dilationHeight, dilationWidth, padTop, padLeft] = geometry.slice(9) as [
    ...[number, number, number, number, number, number],
  ];
  return [
    ...([
      batch,
      outHeight,
      outWidth,
      outChannels,
      height,
      width,
      channels,
      filterHeight,
      filterWidth,
    ] as const),
    ...([1, 1, dilationHeight, dilationWidth] as const),
    ...([(filterHeight - 1) * dilationHeight - padTop, (filterWidth - 1) * dilationWidth - padLeft] as const),
  ];
}
