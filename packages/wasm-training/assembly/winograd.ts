// Convolutions of 3 × 3 filters at stride 1 by Winograd's minimal filtering F(4 × 4, 3 × 3): a tile of 4 × 4 outputs, which
// sees 6 × 6 inputs, takes 36 products of matrices of channels in the place of 144 (Lavin and Gray, "Fast algorithms for
// convolutional neural networks", arXiv 1509.09308). With the transforms of winograd-transforms.ts,
//
//   out = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ x B)] A, summed over the channels of x between the brackets,
//   dg  = Gᵀ [(A dy Aᵀ) ⊙ (Bᵀ x B)] G, summed over the tiles.
//
// Tiles are taken in blocks that stay in the cache. Each of the 36 positions has a matrix of its own: tiles by channels.
// Channels, in and out, are multiples of 8.

import { ActivationKind } from './activation';
import { finishColumns } from './epilogue';
import { HIGH, LOW, NR, tileRows } from './tiles';
import { multiplyRowsHigh, multiplyRowsLow, multiplyTransposedHigh, multiplyTransposedLow } from './winograd-tiles';
import {
  POSITIONS,
  TEMPORARY_BYTES,
  TILE,
  transformFilter,
  transformFilterBack,
  transformInput,
  transformOutput,
  transformOutputBack,
} from './winograd-transforms';

/** Bytes between the matrices of two positions, so that they do not fall on one set of the cache. */
const GAP: usize = 64;
/** Floats that the matrices of one position may have, in and out, if that leaves a block its fewest tiles. */
const BLOCK_FLOATS: i32 = 768;
const FEWEST_TILES: i32 = 12;

/** Tiles of a block: whole register tiles. */
// @ts-ignore: decorator
@inline
function blockTiles(channels: i32, outChannels: i32): i32 {
  const tiles = BLOCK_FLOATS / (channels + outChannels);
  return max(FEWEST_TILES, tiles - (tiles % HIGH));
}

/** Bytes from one position to the next of a block of tiles. */
// @ts-ignore: decorator
@inline
function blockPitch(channels: i32, tiles: i32): usize {
  return (<usize>((tiles + HIGH) * channels) << 2) + GAP;
}

/** Bytes of scratch memory that either function below needs. */
export function winogradBytes(channels: i32, outChannels: i32): usize {
  const tiles = blockTiles(channels, outChannels);
  const block = blockPitch(channels, tiles) + blockPitch(outChannels, tiles);
  return TEMPORARY_BYTES + <usize>POSITIONS * (block + filterPitch(channels, outChannels));
}

/** Bytes from one position to the next of a transformed filter. */
// @ts-ignore: decorator
@inline
function filterPitch(channels: i32, outChannels: i32): usize {
  return (<usize>(channels * outChannels) << 2) + GAP;
}

/** out = activation(x * filter + bias), as `convolution`. */
export function winogradConvolution(
  x: usize,
  filter: usize,
  out: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  scratch: usize,
  bias: usize,
  activation: ActivationKind,
  slopes: usize,
  slope: f32,
): void {
  const block = blockTiles(channels, outChannels);
  const inPitch = blockPitch(channels, block);
  const outPitch = blockPitch(outChannels, block);
  const pitch = filterPitch(channels, outChannels);
  const inputs = scratch + TEMPORARY_BYTES;
  const products = inputs + <usize>POSITIONS * inPitch;
  const weights = products + <usize>POSITIONS * outPitch;
  transformFilter(filter, channels, outChannels, weights, pitch);

  const across = (outWidth + TILE - 1) / TILE;
  const down = (outHeight + TILE - 1) / TILE;
  const tiles = batch * down * across;
  const imageBytes = <usize>(height * width * channels) << 2;
  const outBytes = <usize>(outHeight * outWidth * outChannels) << 2;
  for (let first = 0; first < tiles; first += block) {
    const count = min(block, tiles - first);
    let image = first / (down * across);
    let tileY = (first / across) % down;
    let tileX = first % across;
    for (let t = 0; t < count; t++) {
      transformInput(
        x + <usize>image * imageBytes, height, width, channels, channels, tileY * TILE - padTop, tileX * TILE - padLeft,
        inputs + (<usize>(t * channels) << 2), inPitch, scratch,
      ); // prettier-ignore
      if (++tileX == across) {
        tileX = 0;
        if (++tileY == down) {
          tileY = 0;
          image++;
        }
      }
    }
    for (let position = 0; position < POSITIONS; position++) {
      multiplyPosition(
        inputs + <usize>position * inPitch, weights + <usize>position * pitch, products + <usize>position * outPitch,
        count, channels, outChannels,
      ); // prettier-ignore
    }
    image = first / (down * across);
    tileY = (first / across) % down;
    tileX = first % across;
    for (let t = 0; t < count; t++) {
      transformOutput(
        products + (<usize>(t * outChannels) << 2), outPitch, outChannels, outHeight, outWidth, tileY * TILE, tileX * TILE,
        out + <usize>image * outBytes, scratch,
      ); // prettier-ignore
      if (++tileX == across) {
        tileX = 0;
        if (++tileY == down) {
          tileY = 0;
          image++;
        }
      }
    }
  }
  if (bias != 0 || activation != ActivationKind.Linear) {
    finishColumns(out, outChannels, batch * outHeight * outWidth, 0, outChannels, bias, activation, slopes, slope);
  }
}

/**
 * dFilter, as `convFilterGradient`, for `count` channels of x from `firstChannel` on, multiples of 8; the rest of it is left
 * alone. Each element is one sum over all tiles, from first to last.
 */
export function winogradFilterGradient(
  x: usize,
  dy: usize,
  dFilter: usize,
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  outChannels: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  padTop: i32,
  padLeft: i32,
  firstChannel: i32,
  count: i32,
  scratch: usize,
): void {
  const block = blockTiles(channels, outChannels);
  const inPitch = blockPitch(count, block);
  const outPitch = blockPitch(outChannels, block);
  const pitch = filterPitch(count, outChannels);
  const inputs = scratch + TEMPORARY_BYTES;
  const gradients = inputs + <usize>POSITIONS * inPitch;
  const sums = gradients + <usize>POSITIONS * outPitch;
  const across = (outWidth + TILE - 1) / TILE;
  const down = (outHeight + TILE - 1) / TILE;
  const tiles = batch * down * across;
  const imageBytes = <usize>(height * width * channels) << 2;
  const outBytes = <usize>(outHeight * outWidth * outChannels) << 2;
  if (tiles == 0) memory.fill(sums, 0, <usize>POSITIONS * pitch);
  let image = 0;
  let tileY = 0;
  let tileX = 0;
  for (let first = 0; first < tiles; first += block) {
    const depth = min(block, tiles - first);
    for (let t = 0; t < depth; t++) {
      transformInput(
        x + <usize>image * imageBytes + (<usize>firstChannel << 2), height, width, channels, count,
        tileY * TILE - padTop, tileX * TILE - padLeft, inputs + (<usize>(t * count) << 2), inPitch, scratch,
      ); // prettier-ignore
      transformOutputBack(
        dy + <usize>image * outBytes, outHeight, outWidth, outChannels, tileY * TILE, tileX * TILE,
        gradients + (<usize>(t * outChannels) << 2), outPitch, scratch,
      ); // prettier-ignore
      if (++tileX == across) {
        tileX = 0;
        if (++tileY == down) {
          tileY = 0;
          image++;
        }
      }
    }
    for (let position = 0; position < POSITIONS; position++) {
      multiplyTransposed(
        inputs + <usize>position * inPitch, gradients + <usize>position * outPitch, sums + <usize>position * pitch,
        depth, count, outChannels, first > 0,
      ); // prettier-ignore
    }
  }
  transformFilterBack(sums, pitch, count, outChannels, dFilter, channels, firstChannel);
}

/** C [rows, outChannels] = A [rows, channels] · B, whose columns lie in panels of NR; C has room for whole register tiles. */
function multiplyPosition(a: usize, b: usize, c: usize, rows: i32, channels: i32, outChannels: i32): void {
  const stepA = <usize>channels << 2;
  const stepC = <usize>outChannels << 2;
  for (let j = 0; j < outChannels; j += NR) {
    let from = a;
    let to = c + (<usize>j << 2);
    for (let i = 0; i < rows; ) {
      const height = tileRows(rows - i);
      if (height == HIGH) multiplyRowsHigh(from, stepA, b, to, stepC, channels);
      else multiplyRowsLow(from, stepA, b, to, stepC, channels);
      from += <usize>height * stepA;
      to += <usize>height * stepC;
      i += height;
    }
    b += (<usize>channels << 2) * NR;
  }
}

/** C [channels, outChannels] (+)= Aᵀ · B for A [depth, channels] and B [depth, outChannels]. */
function multiplyTransposed(
  a: usize,
  b: usize,
  c: usize,
  depth: i32,
  channels: i32,
  outChannels: i32,
  accumulate: bool,
): void {
  const stepA = <usize>channels << 2;
  const stepB = <usize>outChannels << 2;
  for (let j = 0; j < outChannels; j += NR) {
    for (let i = 0; i < channels; ) {
      // Multiples of 8 are whole tiles of 6 and of 4 rows.
      const height = tileRows(channels - i);
      const to = c + <usize>i * stepB;
      if (height == HIGH) multiplyTransposedHigh(a + (<usize>i << 2), stepA, b, stepB, to, depth, accumulate);
      else multiplyTransposedLow(a + (<usize>i << 2), stepA, b, stepB, to, depth, accumulate);
      i += height;
    }
    b += NR << 2;
    c += NR << 2;
  }
}
