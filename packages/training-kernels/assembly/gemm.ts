// The single-precision matrix product, C = activation(op(A) · op(B) + bias), in the manner of GotoBLAS
// (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
//
// Both operands are copied in blocks into panels that the 4 × 8 register tile reads from first byte to last.
// The copy absorbs the transposition, so all four cases run the same inner loop, and row strides that are
// multiples of 4096 bytes (which fall on one set of the cache) cost nothing there. Everything is a pointer into
// the memory of the tfjs backend; nothing here allocates.

import { ActivationKind } from './activation';
import { finishColumns } from './epilogue';
import { PANEL_GAP, element, packStraight, packTransposed, panelPitch } from './panels';

/** Rows and columns of the register tile. */
const MR: i32 = 4;
const NR: i32 = 8;

/** Depth of a panel, rows of a block of A, columns of a block of B. All multiples of the tile. */
const KC: i32 = 400;
const MC: i32 = 128;
const NC: i32 = 256;

const PACKED_A_BYTES: usize = <usize>(MC * KC * 4) + <usize>(MC / MR) * PANEL_GAP;
const PACKED_B_BYTES: usize = <usize>(KC * NC * 4) + <usize>(NC / NR) * PANEL_GAP;
const TILE_BYTES: usize = <usize>(MR * NR * 4);

/** Bytes of scratch memory that `gemm` needs at `scratch`, which must be aligned to 16 bytes. */
export function gemmScratchBytes(): usize {
  return PACKED_A_BYTES + PACKED_B_BYTES + TILE_BYTES;
}

// @ts-ignore: decorator
@inline
function madd(sum: v128, x: v128, y: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, sum);
  return f32x4.add(sum, f32x4.mul(x, y));
}

/**
 * C = activation(op(A) · op(B) + bias), or C += op(A) · op(B).
 *
 * @param a row-major; [m, k], or [k, m] if `transposeA`
 * @param b row-major; [k, n], or [n, k] if `transposeB`
 * @param c row-major [m, n]; must not overlap a or b
 * @param accumulate whether to add to C instead of overwriting it
 * @param bias [n], or 0 for none
 * @param slopes [n], the slopes of prelu, or 0
 * @param slope the slope of leakyrelu
 */
export function gemm(
  transposeA: bool,
  transposeB: bool,
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  b: usize,
  c: usize,
  accumulate: bool,
  bias: usize,
  activation: ActivationKind,
  slopes: usize,
  slope: f32,
  scratch: usize,
): void {
  if (m == 0 || n == 0) return;
  const strideA = transposeA ? m : k;
  const strideB = transposeB ? k : n;
  const packedA = scratch;
  const packedB = packedA + PACKED_A_BYTES;
  const tile = packedB + PACKED_B_BYTES;
  const step = evenStep(k, KC);
  const finish = bias != 0 || activation != ActivationKind.Linear;
  if (m <= MR && !transposeB) {
    multiplyFewRows(m, n, k, a, transposeA ? 1 : k, transposeA ? m : 1, b, c, accumulate);
    if (finish) finishColumns(c, n, m, 0, n, bias, activation, slopes, slope);
    return;
  }
  if (k == 0 && !accumulate) memory.fill(c, 0, (<usize>m * n) << 2);

  for (let j = 0; j < n; j += NC) {
    const columns = min(NC, n - j);
    for (let p = 0; p < k; p += step) {
      const depth = min(step, k - p);
      if (transposeB) packTransposed(b, strideB, j, columns, p, depth, packedB, NR);
      else packStraight(b, strideB, j, columns, p, depth, packedB, NR);
      for (let i = 0; i < m; i += MC) {
        const rows = min(MC, m - i);
        if (transposeA) packStraight(a, strideA, i, rows, p, depth, packedA, MR);
        else packTransposed(a, strideA, i, rows, p, depth, packedA, MR);
        multiplyBlock(packedA, packedB, element(c, n, i, j), n, rows, columns, depth, accumulate || p > 0, tile);
      }
    }
    if (finish) finishColumns(c, n, m, j, columns, bias, activation, slopes, slope);
  }
}

/**
 * C (+)= A · B for so few rows that packing B would cost more than it saves: four rows of B at a time are added to
 * each row of C. Element [i, p] of A is at i · stepRow + p · stepColumn.
 */
function multiplyFewRows(
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  stepRow: i32,
  stepColumn: i32,
  b: usize,
  c: usize,
  accumulate: bool,
): void {
  const bytes = <usize>n << 2;
  if (!accumulate) memory.fill(c, 0, <usize>m * bytes);
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    for (let i = 0; i < m; i++) {
      const x = a + ((<usize>i * stepRow + <usize>p * stepColumn) << 2);
      const step = <usize>stepColumn << 2;
      const x0 = v128.load32_splat(x);
      const x1 = v128.load32_splat(x + step);
      const x2 = v128.load32_splat(x + 2 * step);
      const x3 = v128.load32_splat(x + 3 * step);
      const row = c + <usize>i * bytes;
      let at: usize = 0;
      for (; at + 16 <= bytes; at += 16) {
        const y = b + at;
        let sum = madd(v128.load(row + at), x0, v128.load(y));
        sum = madd(sum, x1, v128.load(y + bytes));
        sum = madd(sum, x2, v128.load(y + 2 * bytes));
        v128.store(row + at, madd(sum, x3, v128.load(y + 3 * bytes)));
      }
      for (; at < bytes; at += 4) {
        const y = b + at;
        let sum = madd(v128.load32_zero(row + at), x0, v128.load32_zero(y));
        sum = madd(sum, x1, v128.load32_zero(y + bytes));
        sum = madd(sum, x2, v128.load32_zero(y + 2 * bytes));
        v128.store32_lane(row + at, madd(sum, x3, v128.load32_zero(y + 3 * bytes)), 0);
      }
    }
    b += bytes << 2;
  }
  for (; p < k; p++) {
    for (let i = 0; i < m; i++) {
      const x = v128.load32_splat(a + ((<usize>i * stepRow + <usize>p * stepColumn) << 2));
      const row = c + <usize>i * bytes;
      for (let at: usize = 0; at < bytes; at += 4) {
        const sum = madd(v128.load32_zero(row + at), x, v128.load32_zero(b + at));
        v128.store32_lane(row + at, sum, 0);
      }
    }
    b += bytes;
  }
}

/** The largest step of at most `limit` (a multiple of 4) that divides `length` into parts of about one size. */
function evenStep(length: i32, limit: i32): i32 {
  const parts = (length + limit - 1) / limit;
  return parts == 0 ? limit : ((length + parts - 1) / parts + 3) & ~3;
}

/** One block of C from packed panels; ragged tiles at the right and the bottom go through `tile`. */
function multiplyBlock(
  packedA: usize,
  packedB: usize,
  c: usize,
  stride: i32,
  rows: i32,
  columns: i32,
  depth: i32,
  accumulate: bool,
  tile: usize,
): void {
  const panelA = panelPitch(depth, MR);
  const panelB = panelPitch(depth, NR);
  const step = <usize>stride << 2;
  let b = packedB;
  for (let j = 0; j < columns; j += NR) {
    let a = packedA;
    for (let i = 0; i < rows; i += MR) {
      const target = element(c, stride, i, j);
      if (j + NR <= columns && i + MR <= rows) {
        multiplyTile(a, b, target, step, depth, accumulate);
      } else {
        const height = min(MR, rows - i);
        const width = min(NR, columns - j);
        const tileStep = <usize>NR << 2;
        if (accumulate) copyCorner(target, step, tile, tileStep, height, width);
        multiplyTile(a, b, tile, tileStep, depth, accumulate);
        copyCorner(tile, tileStep, target, step, height, width);
      }
      a += panelA;
    }
    b += panelB;
  }
}

/**
 * The 4 × 8 register tile: C (+)= Ap · Bp over `depth`.
 *
 * It goes on from what C holds, so that each element is one sum from first to last, however the depth is cut into
 * panels: a product that leaves out zeros, as block-sparse ones do, comes to the same bits.
 */
function multiplyTile(a: usize, b: usize, c: usize, step: usize, depth: i32, accumulate: bool): void {
  const c1 = c + step;
  const c2 = c1 + step;
  const c3 = c2 + step;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  if (accumulate) {
    s00 = v128.load(c);
    s01 = v128.load(c, 16);
    s10 = v128.load(c1);
    s11 = v128.load(c1, 16);
    s20 = v128.load(c2);
    s21 = v128.load(c2, 16);
    s30 = v128.load(c3);
    s31 = v128.load(c3, 16);
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
    a += 16;
    b += 32;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** Copies the valid corner between a tile and C. */
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
