// Convolutions and their gradients through a BLAS library: the loops over chunks of patches of
// assembly/convolution.ts, with the library's product in each.

import type { WasmBackend } from '@espalier/blocks';

import { finish } from '../../products/epilogue.js';
import type { PatchProduct } from '../../products/patches.js';
import type { EpilogueArguments } from '../../wasm/exports.js';
import { kernelsOf } from '../../wasm/link.js';
import type { Operands } from '../accelerator.js';
import type { Multiplier } from './products.js';

/** out [rows, outChannels] = activation(patches(x) · filter + bias). */
export function convolveBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: PatchProduct,
  [x, filter, out]: Operands,
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
  [x, dy, dFilter]: Operands,
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
  [dy, filter, dx]: Operands,
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
