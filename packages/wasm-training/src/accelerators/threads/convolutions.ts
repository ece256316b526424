// Convolutions and their gradients on several threads: by images, the gradient by the filter by rows of the filter.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import { PLAIN_ARGUMENTS } from '../../products/epilogue.js';
import { chunkRows, workOf, type PatchProduct } from '../../products/patches.js';
import type { ConvolutionGeometry } from '../../wasm/exports.js';
import { kernelsOf } from '../../wasm/link.js';
import type { Operands } from '../accelerator.js';
import { divide, pays } from './division.js';
import type { Team } from './team.js';

/**
 * The result of a kernel that makes images of images and the filter; false where one thread is expected to be faster, or
 * memory is short.
 *
 * @param kernel 'convolution', x to out, or 'convInputGradient', dy to dx
 */
export function mapImagesOn(
  team: Team,
  backend: WasmBackend,
  kernel: 'convolution' | 'convInputGradient',
  product: PatchProduct,
  [images, filter, out]: Operands,
): boolean {
  const { geometry, depth, outChannels } = product;
  const [batch, height, width, channels, outHeight, outWidth] = geometry;
  const sizes = [height * width * channels, outHeight * outWidth * outChannels] as const;
  const [imageFloats, outFloats] = kernel === 'convolution' ? sizes : [sizes[1], sizes[0]];
  const filterFloats = depth * outChannels;
  const bounds = divide(batch, team.size);
  const own = bounds[1]!;
  const copied = (batch - own) * (imageFloats + outFloats) + filterFloats;
  if (!pays(bounds, workOf(product) / batch, copied)) return false;
  const chunk = chunkRows(depth);
  const patchFloats = chunk * depth;
  const floats = [batch * imageFloats, filterFloats, batch * outFloats, (team.size - 1) * patchFloats];
  const offsets = team.reserve(...floats);
  if (!offsets) return false;
  const [sharedImages, sharedFilter, sharedOut, sharedPatches] = offsets as [number, number, number, number];

  /** The arguments of the kernel for the images of part i. */
  const part = (
    i: number,
    [x, w, y]: readonly [number, number, number],
    patches: number,
    scratch: number,
  ) => {
    const first = bounds[i]!;
    const [, ...rest] = geometry;
    const ofImages: ConvolutionGeometry = [bounds[i + 1]! - first, ...rest];
    const operands = [x + 4 * first * imageFloats, w, y + 4 * first * outFloats] as const;
    return [...operands, ...ofImages, patches, chunk, scratch] as const;
  };

  const memory = memoryOf(backend);
  team.copyIn(memory, images, sharedImages, [[own * imageFloats, batch * imageFloats]]);
  team.copyIn(memory, filter, sharedFilter, [[0, filterFloats]]);
  const { exports, scratch, workspace } = kernelsOf(backend);
  const patches = workspace(4 * patchFloats);
  const ownPart = part(0, [images, filter, out], patches, scratch);
  team.run(
    kernel,
    (i) => {
      const shared = [sharedImages, sharedFilter, sharedOut] as const;
      const thread = part(i, shared, sharedPatches + 4 * (i - 1) * patchFloats, team.scratchOf(i));
      return kernel === 'convolution' ? [...thread, ...PLAIN_ARGUMENTS] : thread;
    },
    () => {
      if (kernel === 'convolution') exports.convolution(...ownPart, ...PLAIN_ARGUMENTS);
      else exports.convInputGradient(...ownPart);
    },
  );
  team.copyOut(memory, sharedOut, out, [[own * outFloats, batch * outFloats]]);
  return true;
}

/** Where these stand in a ConvolutionGeometry. */
const FILTER_HEIGHT = 7;
const DILATION_HEIGHT = 11;
const PAD_TOP = 13;

/** dFilter by its rows, the first of its four axes, so that each element is one sum over all pixels; false as above. */
export function filterGradientOn(
  team: Team,
  backend: WasmBackend,
  product: PatchProduct,
  [x, dy, dFilter]: Operands,
): boolean {
  const { geometry, rows, outChannels } = product;
  const [batch, height, width, channels, , , , filterHeight, filterWidth] = geometry;
  const rowFloats = filterWidth * channels * outChannels;
  const [xFloats, dyFloats] = [batch * height * width * channels, rows * outChannels];
  const bounds = divide(filterHeight, team.size);
  const own = bounds[1]!;
  const copied = xFloats + dyFloats + (filterHeight - own) * rowFloats;
  if (!pays(bounds, rows * rowFloats, copied)) return false;
  const chunk = chunkRows(product.depth);
  const patchFloats = chunk * product.depth;
  const floats = [xFloats, dyFloats, filterHeight * rowFloats, (team.size - 1) * patchFloats];
  const offsets = team.reserve(...floats);
  if (!offsets) return false;
  const [sharedX, sharedDy, sharedFilter, sharedPatches] = offsets as [number, number, number, number];

  /** The arguments of the kernel for the rows of part i: a filter of so many rows, which lies lower over the image. */
  const part = (
    i: number,
    [input, gradient, out]: readonly [number, number, number],
    patches: number,
    scratch: number,
  ) => {
    const first = bounds[i]!;
    const ofRows: ConvolutionGeometry = [...geometry];
    ofRows[FILTER_HEIGHT] = bounds[i + 1]! - first;
    ofRows[PAD_TOP] -= first * geometry[DILATION_HEIGHT];
    return [input, gradient, out + 4 * first * rowFloats, ...ofRows, patches, chunk, scratch] as const;
  };

  const memory = memoryOf(backend);
  team.copyIn(memory, x, sharedX, [[0, xFloats]]);
  team.copyIn(memory, dy, sharedDy, [[0, dyFloats]]);
  const { exports, scratch, workspace } = kernelsOf(backend);
  const patches = workspace(4 * patchFloats);
  team.run(
    'convFilterGradient',
    (i) =>
      part(
        i,
        [sharedX, sharedDy, sharedFilter],
        sharedPatches + 4 * (i - 1) * patchFloats,
        team.scratchOf(i),
      ),
    () => exports.convFilterGradient(...part(0, [x, dy, dFilter], patches, scratch)),
  );
  team.copyOut(memory, sharedFilter, dFilter, [[own * rowFloats, filterHeight * rowFloats]]);
  return true;
}
