// Which convolutions are computed by Winograd's minimal filtering (assembly/winograd.ts) in the place of products of patches.
// The rule is one for the three directions, and for one thread and several, so that all come to the same bits.

import type { ConvolutionGeometry } from '../wasm/exports.js';

/** Outputs of a tile along each axis. */
const TILE = 4;
/** Channels, in and out, are multiples of these. */
export const WINOGRAD_CHANNELS = 8;

// Measured by scripts/winograd-crossover.mjs.
/** Fewer tiles do not make up for what the transforms of the filter cost. */
const FEWEST_TILES = 16;
/** Pixels of an output that a tile holds on the average; of 16, where the image is no multiple of 4, some are thrown away. */
const FEWEST_PIXELS = 8;
/** Elements of a matrix of channels: the transformed filter is 36 such, here 9 megabytes. */
const MOST_WEIGHTS = 2 ** 16;
/** How many times as fast it is. */
export const WINOGRAD_GAIN = 2.5;

/** Whether a convolution, or a gradient of one, is computed so. */
export function byWinograd(geometry: ConvolutionGeometry): boolean {
  const [batch, , , channels, outHeight, outWidth, outChannels] = geometry;
  if (!isThreeByThree(geometry)) return false;
  if (channels % WINOGRAD_CHANNELS !== 0 || outChannels % WINOGRAD_CHANNELS !== 0) return false;
  const tiles = batch * Math.ceil(outHeight / TILE) * Math.ceil(outWidth / TILE);
  const pixels = batch * outHeight * outWidth;
  return tiles >= FEWEST_TILES && pixels >= FEWEST_PIXELS * tiles && channels * outChannels <= MOST_WEIGHTS;
}

/** A filter of 3 × 3 with strides and dilations of one. */
function isThreeByThree(geometry: ConvolutionGeometry): boolean {
  const [filterHeight, filterWidth, ...steps] = geometry.slice(7, 13);
  return filterHeight === 3 && filterWidth === 3 && steps.every((step) => step === 1);
}
