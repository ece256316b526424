// Convolutions and their gradients as products of patches; and through a BLAS library: the loops over chunks of patches of
// assembly/convolution.ts, with the library's product in each.

import { type WasmBackend } from '@espalier/wasm-module';
import { type EpilogueArguments } from './epilogue.js';
import { kernelsOf, type ConvolutionGeometry } from './kernels.js';
import { finish, type Multiplier } from './product.js';

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

/** out [rows, outChannels] = activation(patches(x) · filter + bias). */
export function convolveBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: PatchProduct,
  [x, filter, out]: [x: number, filter: number, out: number],
  epilogue: EpilogueArguments,
): void {
  const { depth, outChannels } = product;
  overPatches(backend, product, x, (chunk, first, count) => {
    const target = out + 4 * first * outChannels;
    blas.multiply(false, false, count, outChannels, depth, chunk, filter, target, false);
    finish(backend, target, count, outChannels, epilogue);
  });
}

/** dFilter [depth, outChannels] = patches(x)ᵀ · dy. */
export function filterGradientBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: PatchProduct,
  [x, dy, dFilter]: [x: number, dy: number, dFilter: number],
): void {
  const { depth, outChannels } = product;
  overPatches(backend, product, x, (chunk, first, count) => {
    const rows = dy + 4 * first * outChannels;
    blas.multiply(true, false, depth, outChannels, count, chunk, rows, dFilter, first > 0);
  });
}

/** dx = the patches dy · filterᵀ, added up where they overlap. */
export function inputGradientBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: PatchProduct,
  [dy, filter, dx]: [dy: number, filter: number, dx: number],
): void {
  const { geometry, rows, depth, outChannels, pointwise } = product;
  if (pointwise) {
    blas.multiply(false, true, rows, depth, outChannels, dy, filter, dx, false);
    return;
  }
  const [batch, height, width, channels] = geometry;
  const { exports, workspace } = kernelsOf(backend);
  const chunk = libraryRows(product);
  const patches = workspace(4 * chunk * depth);
  exports.clear(dx, 4 * batch * height * width * channels);
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    const gradients = dy + 4 * first * outChannels;
    blas.multiply(false, true, count, depth, outChannels, gradients, filter, patches, false);
    exports.scatterPatches(dx, ...geometry, first, count, patches);
  }
}

/**
 * The gradient by the input as a convolution of dy with the turned filter, or null. Gathering patches is faster than adding
 * them up; it is possible at strides of one, and no more work where dy has no more channels than x.
 */
export function turnedProduct({ geometry, pointwise }: PatchProduct): PatchProduct | null {
  const [batch, height, width, channels, outHeight, outWidth, outChannels, filterHeight, filterWidth] =
    geometry;
  const [strideHeight, strideWidth, dilationHeight, dilationWidth, padTop, padLeft] = geometry.slice(9) as [
    ...[number, number, number, number, number, number],
  ];
  if (pointwise || strideHeight !== 1 || strideWidth !== 1 || outChannels > channels) return null;
  return patchProductOf([
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
  ]);
}

/** Rows of the patch matrix that are worked on at once, so few that they stay in the second-level cache. */
const CHUNK = 256;
/** OpenBLAS multiplies without packing up to so many multiply-adds, on processors with AVX-512. */
const UNPACKED = 1e6;
/** Fewer rows than these are not worth their calls. */
const LEAST_CHUNK = 64;

function libraryRows({ depth, outChannels }: PatchProduct): number {
  const unpacked = Math.floor(UNPACKED / (depth * outChannels));
  return unpacked < LEAST_CHUNK ? CHUNK : Math.min(CHUNK, unpacked);
}

/** Calls `use` with each chunk of the patch matrix. */
function overPatches(
  backend: WasmBackend,
  product: PatchProduct,
  x: number,
  use: (chunk: number, first: number, count: number) => void,
): void {
  const { geometry, rows, depth, pointwise } = product;
  if (pointwise) {
    use(x, 0, rows);
    return;
  }
  const { exports, workspace } = kernelsOf(backend);
  const chunk = libraryRows(product);
  const patches = workspace(4 * chunk * depth);
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    exports.gatherPatches(x, ...geometry, first, count, patches);
    use(patches, first, count);
  }
}
