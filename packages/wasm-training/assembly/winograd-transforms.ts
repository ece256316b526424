// The transforms of F(4 × 4, 3 × 3) at the points 0, ±3/4, ±3/2 and ∞, each along columns first, then along rows, for four
// channels at once. The usual points 0, ±1, ±2 lose three times as many digits (Alam and others, "Winograd convolution for deep
// neural networks: efficient point selection", arXiv 2201.10369): here a convolution of 64 channels is off by 2e-6 of its
// largest value where a sum of products is off by 1e-6. With a = 3/4, b = 3/2, s = a², t = b²:
//
//   Bᵀ  st  0  -s-t   0   1  0     G  1/st                         Aᵀ  1  1   1  1   1  0
//       0  -at  -t    a   1  0        1/A  a/A  s/A                    0  a  -a  b  -b  0
//       0   at  -t   -a   1  0        1/A -a/A  s/A                    0  s   s  t   t  0
//       0  -bs  -s    b   1  0        1/B  b/B  t/B                    0  a³ -a³ b³ -b³ 1
//       0   bs  -s   -b   1  0        1/B -b/B  t/B
//       0   st   0  -s-t  0  1        0    0    1                  with A = 2s(s - t), B = 2t(t - s).

import { NR, madd } from './tiles';

/** Outputs of a tile along each axis, and inputs that they see. */
export const TILE: i32 = 4;
const SEEN: i32 = 6;
export const POSITIONS: i32 = SEEN * SEEN;
/** Bytes of the tile between the two directions of a transform. */
export const TEMPORARY_BYTES: usize = <usize>POSITIONS * 16;

/** A row of the tile between the directions. */
const ROW: usize = <usize>SEEN * 16;

const A: f32 = 0.75;
const B: f32 = 1.5;
const S: f32 = A * A;
const T: f32 = B * B;
const NORM_A: f32 = 1 / (2 * S * (S - T));
const NORM_B: f32 = 1 / (2 * T * (T - S));

/**
 * Bᵀ x B of the tile whose first input is at [top, left] of an image, which may lie outside: there the image is 0.
 *
 * @param stride floats from pixel to pixel
 * @param channels how many of them are transformed
 * @param to where the first position goes; the others follow `pitch` bytes apart
 */
export function transformInput(
  image: usize,
  height: i32,
  width: i32,
  stride: i32,
  channels: i32,
  top: i32,
  left: i32,
  to: usize,
  pitch: usize,
  temporary: usize,
): void {
  const pixel = <usize>stride << 2;
  const row = <usize>width * pixel;
  const first = image + <usize>(top * width + left) * pixel;
  const inside = top >= 0 && left >= 0 && top + SEEN <= height && left + SEEN <= width;
  const end = <usize>channels << 2;
  for (let c: usize = 0; c < end; c += 16) {
    if (inside) {
      for (let j = 0; j < SEEN; j++) {
        const from = first + <usize>j * pixel + c;
        const x0 = v128.load(from);
        const x1 = v128.load(from + row);
        const x2 = v128.load(from + 2 * row);
        const x3 = v128.load(from + 3 * row);
        const x4 = v128.load(from + 4 * row);
        const x5 = v128.load(from + 5 * row);
        sixOfInputs(x0, x1, x2, x3, x4, x5, temporary + (<usize>j << 4), ROW);
      }
    } else {
      for (let j = 0; j < SEEN; j++) {
        const column = left + j;
        const limit = column >= 0 && column < width ? height : 0;
        const from = first + <usize>j * pixel + c;
        const x0 = loadWithin(from, top, limit);
        const x1 = loadWithin(from + row, top + 1, limit);
        const x2 = loadWithin(from + 2 * row, top + 2, limit);
        const x3 = loadWithin(from + 3 * row, top + 3, limit);
        const x4 = loadWithin(from + 4 * row, top + 4, limit);
        const x5 = loadWithin(from + 5 * row, top + 5, limit);
        sixOfInputs(x0, x1, x2, x3, x4, x5, temporary + (<usize>j << 4), ROW);
      }
    }
    let target = to + c;
    for (let from = temporary; from < temporary + TEMPORARY_BYTES; from += ROW) {
      const x0 = v128.load(from);
      const x1 = v128.load(from, 16);
      const x2 = v128.load(from, 32);
      const x3 = v128.load(from, 48);
      const x4 = v128.load(from, 64);
      const x5 = v128.load(from, 80);
      sixOfInputs(x0, x1, x2, x3, x4, x5, target, pitch);
      target += <usize>SEEN * pitch;
    }
  }
}

/** Aᵀ m A into the tile at [top, left] of an image; what of it lies beyond the image is left out. */
export function transformOutput(
  from: usize,
  pitch: usize,
  channels: i32,
  height: i32,
  width: i32,
  top: i32,
  left: i32,
  image: usize,
  temporary: usize,
): void {
  const pixel = <usize>channels << 2;
  const rowBytes = <usize>width * pixel;
  const first = image + <usize>(top * width + left) * pixel;
  const rows = min(TILE, height - top);
  const columns = min(TILE, width - left);
  for (let c: usize = 0; c < pixel; c += 16) {
    for (let j = 0; j < SEEN; j++) {
      fourOfProducts(from + <usize>j * pitch + c, <usize>SEEN * pitch, temporary + (<usize>j << 4), ROW, TILE);
    }
    let source = temporary;
    let target = first + c;
    for (let i = 0; i < rows; i++) {
      if (columns == TILE) fourOfProducts(source, 16, target, pixel, TILE);
      else fourOfProducts(source, 16, target, pixel, columns);
      source += ROW;
      target += rowBytes;
    }
  }
}

/** A dy Aᵀ, the transpose of `transformOutput`. */
export function transformOutputBack(
  image: usize,
  height: i32,
  width: i32,
  channels: i32,
  top: i32,
  left: i32,
  to: usize,
  pitch: usize,
  temporary: usize,
): void {
  const pixel = <usize>channels << 2;
  const row = <usize>width * pixel;
  const first = image + <usize>(top * width + left) * pixel;
  for (let c: usize = 0; c < pixel; c += 16) {
    for (let j = 0; j < TILE; j++) {
      const limit = left + j < width ? height : 0;
      const from = first + <usize>j * pixel + c;
      const y0 = loadWithin(from, top, limit);
      const y1 = loadWithin(from + row, top + 1, limit);
      const y2 = loadWithin(from + 2 * row, top + 2, limit);
      const y3 = loadWithin(from + 3 * row, top + 3, limit);
      sixOfOutputs(y0, y1, y2, y3, temporary + (<usize>j << 4), ROW);
    }
    let target = to + c;
    for (let from = temporary; from < temporary + TEMPORARY_BYTES; from += ROW) {
      sixOfOutputs(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), target, pitch);
      target += <usize>SEEN * pitch;
    }
  }
}

/** G g Gᵀ of a filter [3, 3, channels, outChannels], for each position its columns in panels of NR. */
export function transformFilter(filter: usize, channels: i32, outChannels: i32, to: usize, pitch: usize): void {
  const row = <usize>outChannels << 2;
  const matrix = <usize>channels * row;
  const panel = (<usize>channels << 2) * NR;
  for (let k = 0; k < outChannels; k += 4) {
    const ofColumn = (<usize>(k & (NR - 1)) << 2) + <usize>(k / NR) * panel;
    for (let c = 0; c < channels; c++) {
      const from = filter + <usize>c * row + (<usize>k << 2);
      const target = to + ofColumn + (<usize>(c * NR) << 2);
      // The tile between the directions lies where the result goes: 3 of each 6 positions, and of these the last is first used up.
      for (let j: usize = 0; j < 3; j++) {
        const source = from + j * matrix;
        const g0 = v128.load(source);
        const g1 = v128.load(source + 3 * matrix);
        const g2 = v128.load(source + 6 * matrix);
        sixOfFilter(g0, g1, g2, target + j * pitch, <usize>SEEN * pitch);
      }
      for (let i: usize = 0; i < <usize>SEEN; i++) {
        const at = target + i * <usize>SEEN * pitch;
        sixOfFilter(v128.load(at), v128.load(at + pitch), v128.load(at + 2 * pitch), at, pitch);
      }
    }
  }
}

/**
 * Gᵀ u G of [channels, outChannels] for each position, which are used up, into channels `firstChannel` and after of
 * [3, 3, allChannels, outChannels].
 */
export function transformFilterBack(
  sums: usize,
  pitch: usize,
  channels: i32,
  outChannels: i32,
  to: usize,
  allChannels: i32,
  firstChannel: i32,
): void {
  const bytes = <usize>(channels * outChannels) << 2;
  const matrix = <usize>(allChannels * outChannels) << 2;
  const target = to + (<usize>(firstChannel * outChannels) << 2);
  for (let c: usize = 0; c < bytes; c += 16) {
    for (let j: usize = 0; j < <usize>SEEN; j++) {
      const at = sums + j * pitch + c;
      threeOfSums(at, <usize>SEEN * pitch, at, <usize>SEEN * pitch);
    }
    for (let i: usize = 0; i < 3; i++) {
      threeOfSums(sums + i * <usize>SEEN * pitch + c, pitch, target + 3 * i * matrix + c, matrix);
    }
  }
}

/** The four floats of a pixel in row `row` of so many, or zeros where there is no such row. */
// @ts-ignore: decorator
@inline
function loadWithin(from: usize, row: i32, rows: i32): v128 {
  return <u32>row < <u32>rows ? v128.load(from) : f32x4.splat(0);
}

/** Bᵀ times six inputs. */
// @ts-ignore: decorator
@inline
function sixOfInputs(x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, to: usize, step: usize): void {
  const minusSum = f32x4.splat(-(S + T));
  const product = f32x4.splat(S * T);
  const minusS = f32x4.splat(-S);
  const minusT = f32x4.splat(-T);
  v128.store(to, madd(madd(x4, minusSum, x2), product, x0));
  let even = madd(x4, minusT, x2);
  let odd = f32x4.mul(f32x4.splat(A), madd(x3, minusT, x1));
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  even = madd(x4, minusS, x2);
  odd = f32x4.mul(f32x4.splat(B), madd(x3, minusS, x1));
  v128.store(to + 3 * step, f32x4.add(even, odd));
  v128.store(to + 4 * step, f32x4.sub(even, odd));
  v128.store(to + 5 * step, madd(madd(x5, minusSum, x3), product, x1));
}

/** Aᵀ times six products `fromStep` bytes apart: the first `count` of four outputs. */
// @ts-ignore: decorator
@inline
function fourOfProducts(from: usize, fromStep: usize, to: usize, step: usize, count: i32): void {
  const m1 = v128.load(from + fromStep);
  const m2 = v128.load(from + 2 * fromStep);
  const m3 = v128.load(from + 3 * fromStep);
  const m4 = v128.load(from + 4 * fromStep);
  const evenA = f32x4.add(m1, m2);
  const evenB = f32x4.add(m3, m4);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), evenA), evenB));
  if (count == 1) return;
  const oddA = f32x4.sub(m1, m2);
  const oddB = f32x4.sub(m3, m4);
  v128.store(to + step, madd(f32x4.mul(oddA, f32x4.splat(A)), oddB, f32x4.splat(B)));
  if (count == 2) return;
  v128.store(to + 2 * step, madd(f32x4.mul(evenA, f32x4.splat(S)), evenB, f32x4.splat(T)));
  if (count == 3) return;
  const last = madd(v128.load(from + 5 * fromStep), oddA, f32x4.splat(A * S));
  v128.store(to + 3 * step, madd(last, oddB, f32x4.splat(B * T)));
}

/** A times the gradients of four outputs. */
// @ts-ignore: decorator
@inline
function sixOfOutputs(y0: v128, y1: v128, y2: v128, y3: v128, to: usize, step: usize): void {
  v128.store(to, y0);
  let even = madd(y0, y2, f32x4.splat(S));
  let odd = f32x4.mul(f32x4.splat(A), madd(y1, y3, f32x4.splat(S)));
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  even = madd(y0, y2, f32x4.splat(T));
  odd = f32x4.mul(f32x4.splat(B), madd(y1, y3, f32x4.splat(T)));
  v128.store(to + 3 * step, f32x4.add(even, odd));
  v128.store(to + 4 * step, f32x4.sub(even, odd));
  v128.store(to + 5 * step, y3);
}

/** G times three rows of a filter. */
// @ts-ignore: decorator
@inline
function sixOfFilter(g0: v128, g1: v128, g2: v128, to: usize, step: usize): void {
  v128.store(to, f32x4.mul(g0, f32x4.splat(1 / (S * T))));
  let even = f32x4.mul(f32x4.splat(NORM_A), madd(g0, g2, f32x4.splat(S)));
  let odd = f32x4.mul(f32x4.splat(NORM_A * A), g1);
  v128.store(to + step, f32x4.add(even, odd));
  v128.store(to + 2 * step, f32x4.sub(even, odd));
  even = f32x4.mul(f32x4.splat(NORM_B), madd(g0, g2, f32x4.splat(T)));
  odd = f32x4.mul(f32x4.splat(NORM_B * B), g1);
  v128.store(to + 3 * step, f32x4.add(even, odd));
  v128.store(to + 4 * step, f32x4.sub(even, odd));
  v128.store(to + 5 * step, g2);
}

/** Gᵀ times six sums. */
// @ts-ignore: decorator
@inline
function threeOfSums(from: usize, fromStep: usize, to: usize, step: usize): void {
  const u0 = v128.load(from);
  const u1 = v128.load(from + fromStep);
  const u2 = v128.load(from + 2 * fromStep);
  const u3 = v128.load(from + 3 * fromStep);
  const u4 = v128.load(from + 4 * fromStep);
  const u5 = v128.load(from + 5 * fromStep);
  const evenA = f32x4.mul(f32x4.add(u1, u2), f32x4.splat(NORM_A));
  const evenB = f32x4.mul(f32x4.add(u3, u4), f32x4.splat(NORM_B));
  const oddA = f32x4.mul(f32x4.sub(u1, u2), f32x4.splat(NORM_A * A));
  const oddB = f32x4.mul(f32x4.sub(u3, u4), f32x4.splat(NORM_B * B));
  v128.store(to, madd(f32x4.add(evenA, evenB), u0, f32x4.splat(1 / (S * T))));
  v128.store(to + step, f32x4.add(oddA, oddB));
  v128.store(to + 2 * step, madd(madd(u5, evenA, f32x4.splat(S)), evenB, f32x4.splat(T)));
}
