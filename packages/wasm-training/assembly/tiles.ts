// The register tiles of gemm.ts: 6 or 4 rows of C by 8 columns, which stay in registers over the whole depth of two
// panels. The compiler inlines a function that is called once: a tile inside another function loses its registers.

/** Columns of a tile. */
export const NR: i32 = 8;
/** Rows of the higher tile and of the lower one. The higher needs 15 of the 16 vector registers of x86-64. */
export const HIGH: i32 = 6;
export const LOW: i32 = 4;

/** Bytes of scratch memory for a tile that C holds only in part. */
export const TILE_BYTES: usize = <usize>(HIGH * NR * 4);

/** Rows of the next tile when `left` rows of C are left: high ones, unless low ones leave fewer rows unused. */
// @ts-ignore: decorator
@inline
export function tileRows(left: i32): i32 {
  return left > LOW && left != 2 * LOW ? HIGH : LOW;
}

/**
 * C (+)= A · B over `depth`, for one panel of A, `height` rows high, and one of B.
 *
 * @param c the tile's first element, in rows `step` bytes apart
 * @param rows, columns how much of C is left from there on; where it is less than the tile, `tile` is worked on instead
 */
export function multiplyPanels(
  a: usize,
  b: usize,
  c: usize,
  step: usize,
  height: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  accumulate: bool,
  tile: usize,
): void {
  if (rows >= height && columns >= NR) {
    if (height == HIGH) multiplyHigh(a, b, c, step, depth, accumulate);
    else multiplyLow(a, b, c, step, depth, accumulate);
    return;
  }
  const tileStep = <usize>NR << 2;
  const valid = min(rows, height);
  const width = min(columns, NR);
  if (accumulate) copyCorner(c, step, tile, tileStep, valid, width);
  if (height == HIGH) multiplyHigh(a, b, tile, tileStep, depth, accumulate);
  else multiplyLow(a, b, tile, tileStep, depth, accumulate);
  copyCorner(tile, tileStep, c, step, valid, width);
}

// @ts-ignore: decorator
@inline
export function madd(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(sum, f32x4.mul(x, y));
}

function multiplyHigh(a: usize, b: usize, c: usize, step: usize, depth: i32, accumulate: bool): void {
  multiplyTile(HIGH, a, <usize>HIGH << 2, b, <usize>NR << 2, c, step, depth, accumulate);
}

function multiplyLow(a: usize, b: usize, c: usize, step: usize, depth: i32, accumulate: bool): void {
  multiplyTile(LOW, a, <usize>LOW << 2, b, <usize>NR << 2, c, step, depth, accumulate);
}

/**
 * C (+)= Aᵀ · B, a tile of `height` rows, a constant: of rows of A, B and C so many bytes apart. It goes on from what C holds, so that each element is one sum from first to last,
 * however the depth is cut into panels: a product that leaves out zeros, as block-sparse ones do, comes to the same bits.
 */
// @ts-ignore: decorator
@inline
export function multiplyTile(
  height: i32,
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  step: usize,
  depth: i32,
  accumulate: bool,
): void {
  const c1 = c + step;
  const c2 = c1 + step;
  const c3 = c2 + step;
  const c4 = c3 + step;
  const c5 = c4 + step;
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
  let s50 = s00;
  let s51 = s00;
  if (accumulate) {
    s00 = v128.load(c);
    s01 = v128.load(c, 16);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s20 = v128.load(c2);
    s21 = v128.load(c2, 16);
    s30 = v128.load(c3);
    s31 = v128.load(c3, 16);
    if (height == HIGH) {
      s40 = v128.load(c4);
      s41 = v128.load(c4, 16);
      s50 = v128.load(c5);
      s51 = v128.load(c5, 16);
    }
  }
  for (let p = 0; p < depth; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = madd(s00, x, b0);
    s01 = madd(s01, x, b1);
    x = v128.load32_splat(a, 4);
    s10 = madd(s10, x, b0);
    s11 = madd(s11, x, b1);
    x = v128.load32_splat(a, 8);
    s20 = madd(s20, x, b0);
    s21 = madd(s21, x, b1);
    x = v128.load32_splat(a, 12);
    s30 = madd(s30, x, b0);
    s31 = madd(s31, x, b1);
    if (height == HIGH) {
      x = v128.load32_splat(a, 16);
      s40 = madd(s40, x, b0);
      s41 = madd(s41, x, b1);
      x = v128.load32_splat(a, 20);
      s50 = madd(s50, x, b0);
      s51 = madd(s51, x, b1);
    }
    a += stepA;
    b += stepB;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
  if (height == HIGH) {
    v128.store(c4, s40);
    v128.store(c4, s41, 16);
    v128.store(c5, s50);
    v128.store(c5, s51, 16);
  }
}

/** Copies rows × columns elements between a tile and C. */
function copyCorner(from: usize, fromStep: usize, to: usize, toStep: usize, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = <usize>j << 2;
      store<f32>(to + at, load<f32>(from + at));
    }
    from += fromStep;
    to += toStep;
  }
}
