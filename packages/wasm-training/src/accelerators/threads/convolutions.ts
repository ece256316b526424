// Convolutions and their gradients on several threads: by images; the gradient by the filter by rows of the filter, or, where
// it is Winograd's, by channels of the input.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import { PLAIN_ARGUMENTS } from '../../products/epilogue.js';
import { chunkRows, workOf, type PatchProduct } from '../../products/patches.js';
import { byWinograd, WINOGRAD_CHANNELS, WINOGRAD_GAIN } from '../../products/winograd.js';
import type { ConvolutionGeometry } from '../../wasm/exports.js';
import { kernelsOf } from '../../wasm/link.js';
import type { Operands } from '../accelerator.js';
import { divide, pays, type Run } from './division.js';
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
  const winograd = kernel === 'convolution' && byWinograd(product.geometry);
  if (!pays(bounds, workOf(product) / batch / (winograd ? WINOGRAD_GAIN : 1), copied)) return false;
  const { exports, scratch, workspace } = kernelsOf(backend);
  const chunk = chunkRows(depth);
  const workFloats = winograd ? exports.winogradBytes(channels, outChannels) / 4 : chunk * depth;
  const floats = [batch * imageFloats, filterFloats, batch * outFloats, (team.size - 1) * workFloats];
  const offsets = team.reserve(...floats);
  if (!offsets) return false;
  const [sharedImages, sharedFilter, sharedOut, sharedWork] = offsets as [number, number, number, number];

  /** Operands and geometry of the kernel for the images of part i. */
  const part = (i: number, [x, w, y]: Operands) => {
    const first = bounds[i]!;
    const [, ...rest] = geometry;
    const ofImages: ConvolutionGeometry = [bounds[i + 1]! - first, ...rest];
    return [x + 4 * first * imageFloats, w, y + 4 * first * outFloats, ...ofImages] as const;
  };
  const sharedPart = (i: number) => part(i, [sharedImages, sharedFilter, sharedOut]);
  const workOfThread = (i: number) => sharedWork + 4 * (i - 1) * workFloats;

  const memory = memoryOf(backend);
  team.copyIn(memory, images, sharedImages, [[own * imageFloats, batch * imageFloats]]);
  team.copyIn(memory, filter, sharedFilter, [[0, filterFloats]]);
  const work = workspace(4 * workFloats);
  const ownPart = part(0, [images, filter, out]);
  if (winograd) {
    team.run(
      'winogradConvolution',
      (i) => [...sharedPart(i), workOfThread(i), ...PLAIN_ARGUMENTS],
      () => exports.winogradConvolution(...ownPart, work, ...PLAIN_ARGUMENTS),
    );
  } else {
    team.run(
      kernel,
      // The gradient overlooks the last arguments.
      (i) => [...sharedPart(i), workOfThread(i), chunk, team.scratchOf(i), ...PLAIN_ARGUMENTS],
      () => {
        if (kernel === 'convolution')
          exports.convolution(...ownPart, work, chunk, scratch, ...PLAIN_ARGUMENTS);
        else exports.convInputGradient(...ownPart, work, chunk, scratch);
      },
    );
  }
  team.copyOut(memory, sharedOut, out, [[own * outFloats, batch * outFloats]]);
  return true;
}

/** Where these stand in a ConvolutionGeometry. */
const FILTER_HEIGHT = 7;
const DILATION_HEIGHT = 11;
const PAD_TOP = 13;

/** dFilter, each element of it one sum over all pixels or all tiles, by one thread; false as above. */
export function filterGradientOn(
  team: Team,
  backend: WasmBackend,
  product: PatchProduct,
  operands: Operands,
): boolean {
  return byWinograd(product.geometry)
    ? filterChannelsOn(team, backend, product, operands)
    : filterRowsOn(team, backend, product, operands);
}

/** By Winograd's filtering, by the third axis of dFilter. */
function filterChannelsOn(
  team: Team,
  backend: WasmBackend,
  product: PatchProduct,
  [x, dy, dFilter]: Operands,
): boolean {
  const { geometry, rows, outChannels } = product;
  const [batch, height, width, channels] = geometry;
  const [xFloats, dyFloats] = [batch * height * width * channels, rows * outChannels];
  const matrix = channels * outChannels;
  const bounds = divide(channels, team.size, WINOGRAD_CHANNELS);
  const own = bounds[1]!;
  const copied = xFloats + dyFloats + 9 * (channels - own) * outChannels;
  if (!pays(bounds, (9 * rows * outChannels) / WINOGRAD_GAIN, copied)) return false;
  const { exports, workspace } = kernelsOf(backend);
  const workFloats = exports.winogradBytes(channels, outChannels) / 4;
  const offsets = team.reserve(xFloats, dyFloats, 9 * matrix, (team.size - 1) * workFloats);
  if (!offsets) return false;
  const [sharedX, sharedDy, sharedFilter, sharedWork] = offsets as [number, number, number, number];

  /** The arguments of the kernel for the channels of part i. */
  const part = (i: number, operands: Operands, work: number) =>
    [...operands, ...geometry, bounds[i]!, bounds[i + 1]! - bounds[i]!, work] as const;

  const memory = memoryOf(backend);
  team.copyIn(memory, x, sharedX, [[0, xFloats]]);
  team.copyIn(memory, dy, sharedDy, [[0, dyFloats]]);
  const work = workspace(4 * workFloats);
  team.run(
    'winogradFilterGradient',
    (i) => part(i, [sharedX, sharedDy, sharedFilter], sharedWork + 4 * (i - 1) * workFloats),
    () => exports.winogradFilterGradient(...part(0, [x, dy, dFilter], work)),
  );
  const ofOthers = Array.from({ length: 9 }, (_, pixel): Run => {
    return [pixel * matrix + own * outChannels, (pixel + 1) * matrix];
  });
  team.copyOut(memory, sharedFilter, dFilter, ofOthers);
  return true;
}

/** By products of patches, by the first axis of dFilter. */
function filterRowsOn(
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
