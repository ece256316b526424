// The register tile that every product here is made of: up to 5 rows of 8 (or 4) sums, kept in registers over all
// blocks that add to them.
//
// Each sum is a weight (or an element of x), spread over a vector, times a vector of eight or four examples (or columns of dy). Since
// a row of the tile is one weight wide, blocks of any size fill it: 5, 10 and 20 as well as powers of two. Ten sums
// of four lanes are what it takes to hide the latency of two multiply-adds a cycle, and with their operands they
// just fit the sixteen registers.

/** The most rows that a tile has. */
export const MAX_ROWS: i32 = 5;
/** Room for a tile's sums, in bytes: [rows][4 · vectors]. */
export const TILE_BYTES: usize = <usize>MAX_ROWS * 32;

/** What a tile is to sum. A fixed layout in scratch memory: nothing here allocates. */
@unmanaged
export class TileWork {
  /** The blocks: their rows (columns, if transposed) of blocks, and where their values begin, counted in floats. */
  indices: usize;
  starts: usize;
  /** How many blocks. */
  count: i32;
  /** Depth of a block; the block of index `lastIndex`, at the edge of the matrix, has `lastDepth`. */
  depth: i32;
  lastIndex: i32;
  lastDepth: i32;
  /** The packed vectors: [depth of the matrix][4 · vectors]. */
  panel: usize;
  /** The first value of the tile's first row in a block that starts at 0 (not transposed). */
  values: usize;
  /** Floats from one step in depth to the next (not transposed), or the first row of the tile (transposed). */
  step: i32;
  /** Where the sums go: [rows][4 · vectors]. */
  sums: usize;
}

// @ts-ignore: decorator
@inline
export function madd(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(sum, f32x4.mul(x, y));
}

/**
 * How many of the `rest` rows the next tile takes. Tiles of four are the fastest (one of three and three beats four
 * and two); five are better than four and one, and ten better as five and five, unless transposed.
 */
// @ts-ignore: decorator
@inline
export function tileRows(rest: i32, transposed: bool): i32 {
  if (rest == 5) return 5;
  if (rest == 6) return 3;
  if (rest == 10 && !transposed) return 5;
  return min(rest, 4);
}

/**
 * Sums a tile of ROWS × 4 · VECTORS over the blocks of `work`. The values are read along the block's columns
 * (weights [k][row]) or, transposed, along its rows (weights [row][k]).
 */
// @ts-ignore: decorator
@inline
function sum(ROWS: i32, VECTORS: i32, TRANSPOSED: bool, work: TileWork): void {
  // The engine loads whatever is to be spread before it multiplies: with five rows those are more vectors than there
  // are registers. Four of them loaded as one, and spread one by one, are not.
  const SHUFFLED: bool = ASC_FEATURE_RELAXED_SIMD && ROWS > 4 && !TRANSPOSED;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let s40 = s00;
  let s41 = s00;
  let indices = work.indices;
  let starts = work.starts;
  const end = indices + (<usize>work.count << 2);
  const panel = work.panel;
  const values = work.values;
  const step = <usize>work.step << 2;
  const blockBytes = <usize>(work.depth * VECTORS) << 4;
  while (indices < end) {
    const index = load<i32>(indices);
    const depth = index == work.lastIndex ? work.lastDepth : work.depth;
    let w = values + (<usize>load<i32>(starts) << 2);
    let v = panel + <usize>index * blockBytes;
    const vEnd = v + (<usize>(depth * VECTORS) << 4);
    const pitch: usize = TRANSPOSED ? <usize>depth << 2 : 0;
    if (TRANSPOSED) w += <usize>(work.step * depth) << 2;
    let w1 = w + pitch;
    let w2 = w1 + pitch;
    let w3 = w2 + pitch;
    let w4 = w3 + pitch;
    while (v < vEnd) {
      const v0 = v128.load(v);
      let v1 = v0;
      if (VECTORS > 1) v1 = v128.load(v, 16);
      let four = v0;
      if (SHUFFLED) four = v128.load(w);
      let x = SHUFFLED ? v128.shuffle<f32>(four, four, 0, 0, 0, 0) : v128.load32_splat(w);
      s00 = madd(s00, x, v0);
      if (VECTORS > 1) s01 = madd(s01, x, v1);
      if (ROWS > 1) {
        x = TRANSPOSED ? v128.load32_splat(w1) : SHUFFLED ? v128.shuffle<f32>(four, four, 1, 1, 1, 1) : v128.load32_splat(w, 4);
        s10 = madd(s10, x, v0);
        if (VECTORS > 1) s11 = madd(s11, x, v1);
      }
      if (ROWS > 2) {
        x = TRANSPOSED ? v128.load32_splat(w2) : SHUFFLED ? v128.shuffle<f32>(four, four, 2, 2, 2, 2) : v128.load32_splat(w, 8);
        s20 = madd(s20, x, v0);
        if (VECTORS > 1) s21 = madd(s21, x, v1);
      }
      if (ROWS > 3) {
        x = TRANSPOSED ? v128.load32_splat(w3) : SHUFFLED ? v128.shuffle<f32>(four, four, 3, 3, 3, 3) : v128.load32_splat(w, 12);
        s30 = madd(s30, x, v0);
        if (VECTORS > 1) s31 = madd(s31, x, v1);
      }
      if (ROWS > 4) {
        x = TRANSPOSED ? v128.load32_splat(w4) : v128.load32_splat(w, 16);
        s40 = madd(s40, x, v0);
        if (VECTORS > 1) s41 = madd(s41, x, v1);
      }
      v += VECTORS > 1 ? 32 : 16;
      if (TRANSPOSED) {
        w += 4;
        w1 += 4;
        w2 += 4;
        w3 += 4;
        w4 += 4;
      } else {
        w += step;
      }
    }
    indices += 4;
    starts += 4;
  }
  const to = work.sums;
  v128.store(to, s00);
  if (VECTORS > 1) {
    v128.store(to, s01, 16);
    if (ROWS > 1) v128.store(to, s10, 32);
    if (ROWS > 1) v128.store(to, s11, 48);
    if (ROWS > 2) v128.store(to, s20, 64);
    if (ROWS > 2) v128.store(to, s21, 80);
    if (ROWS > 3) v128.store(to, s30, 96);
    if (ROWS > 3) v128.store(to, s31, 112);
    if (ROWS > 4) v128.store(to, s40, 128);
    if (ROWS > 4) v128.store(to, s41, 144);
  } else {
    if (ROWS > 1) v128.store(to, s10, 16);
    if (ROWS > 2) v128.store(to, s20, 32);
    if (ROWS > 3) v128.store(to, s30, 48);
    if (ROWS > 4) v128.store(to, s40, 64);
  }
}

// prettier-ignore
export function sumTile(rows: i32, vectors: i32, transposed: bool, work: TileWork): void {
  if (transposed) {
    if (vectors == 2) {
      switch (rows) {
        case 1: t12(work); break;
        case 2: t22(work); break;
        case 3: t32(work); break;
        case 4: t42(work); break;
        default: t52(work);
      }
    } else {
      switch (rows) {
        case 1: t11(work); break;
        case 2: t21(work); break;
        case 3: t31(work); break;
        case 4: t41(work); break;
        default: t51(work);
      }
    }
  } else if (vectors == 2) {
    switch (rows) {
      case 1: s12(work); break;
      case 2: s22(work); break;
      case 3: s32(work); break;
      case 4: s42(work); break;
      default: s52(work);
    }
  } else {
    switch (rows) {
      case 1: s11(work); break;
      case 2: s21(work); break;
      case 3: s31(work); break;
      case 4: s41(work); break;
      default: s51(work);
    }
  }
}

// One function a shape: s, straight, or t, transposed; rows; vectors. The module exports them, which stops the compiler
// from melting them into one.
export function s11(work: TileWork): void { sum(1, 1, false, work); } // prettier-ignore
export function s21(work: TileWork): void { sum(2, 1, false, work); } // prettier-ignore
export function s31(work: TileWork): void { sum(3, 1, false, work); } // prettier-ignore
export function s41(work: TileWork): void { sum(4, 1, false, work); } // prettier-ignore
export function s51(work: TileWork): void { sum(5, 1, false, work); } // prettier-ignore
export function s12(work: TileWork): void { sum(1, 2, false, work); } // prettier-ignore
export function s22(work: TileWork): void { sum(2, 2, false, work); } // prettier-ignore
export function s32(work: TileWork): void { sum(3, 2, false, work); } // prettier-ignore
export function s42(work: TileWork): void { sum(4, 2, false, work); } // prettier-ignore
export function s52(work: TileWork): void { sum(5, 2, false, work); } // prettier-ignore
export function t11(work: TileWork): void { sum(1, 1, true, work); } // prettier-ignore
export function t21(work: TileWork): void { sum(2, 1, true, work); } // prettier-ignore
export function t31(work: TileWork): void { sum(3, 1, true, work); } // prettier-ignore
export function t41(work: TileWork): void { sum(4, 1, true, work); } // prettier-ignore
export function t51(work: TileWork): void { sum(5, 1, true, work); } // prettier-ignore
export function t12(work: TileWork): void { sum(1, 2, true, work); } // prettier-ignore
export function t22(work: TileWork): void { sum(2, 2, true, work); } // prettier-ignore
export function t32(work: TileWork): void { sum(3, 2, true, work); } // prettier-ignore
export function t42(work: TileWork): void { sum(4, 2, true, work); } // prettier-ignore
export function t52(work: TileWork): void { sum(5, 2, true, work); } // prettier-ignore
