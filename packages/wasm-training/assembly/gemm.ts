// The single-precision matrix product, C = activation(op(A) · op(B) + bias), in the manner of GotoBLAS
// (Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008).
//
// Both operands are copied in blocks into panels (panels.ts) that the register tiles (tiles.ts) read from first byte to
// last. The copy absorbs the transposition, so all four cases run the same inner loop, and row strides that are
// multiples of 4096 bytes (which fall on one set of the cache) cost nothing there. Everything is a pointer into
// the memory of the tfjs backend; nothing here allocates.

import { ActivationKind } from './activation';
import { finishColumns } from './epilogue';
import { PANEL_GAP, element, packColumns, packRows, packTransposedColumns, packTransposedRows, panelPitch } from './panels';
import { HIGH, LOW, NR, TILE_BYTES, madd, multiplyPanels, tileRows } from './tiles';

/** Depth of a panel, rows of a block of A, columns of a block of B. */
const KC: i32 = 400;
const MC: i32 = 128;
const NC: i32 = 256;

/** Only the last tile of a block of A may have rows of padding; no more panels than if all tiles were low. */
const PACKED_A_BYTES: usize = <usize>((MC + HIGH) * KC * 4) + <usize>(MC / LOW + 1) * PANEL_GAP;
const PACKED_B_BYTES: usize = <usize>(KC * NC * 4) + <usize>(NC / NR) * PANEL_GAP;

/** Bytes of scratch memory that `gemm` needs at `scratch`, which must be aligned to 16 bytes. */
export function gemmScratchBytes(): usize {
  return PACKED_A_BYTES + PACKED_B_BYTES + TILE_BYTES;
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
  const finish = bias != 0 || activation != ActivationKind.Linear;
  multiplyMatrices(transposeA, transposeB, m, n, k, a, transposeA ? m : k, b, transposeB ? k : n, c, n, accumulate, scratch);
  if (finish) finishColumns(c, n, m, 0, n, bias, activation, slopes, slope);
}

/** C (+)= op(A) · op(B), of matrices whose rows, as they are stored, are as many floats apart as their strides say. */
export function multiplyMatrices(
  transposeA: bool,
  transposeB: bool,
  m: i32,
  n: i32,
  k: i32,
  a: usize,
  strideA: i32,
  b: usize,
  strideB: i32,
  c: usize,
  strideC: i32,
  accumulate: bool,
  scratch: usize,
): void {
  if (m <= LOW && !transposeB) {
    multiplyFewRows(m, n, k, a, transposeA ? 1 : strideA, transposeA ? strideA : 1, b, strideB, c, strideC, accumulate);
    return;
  }
  if (k == 0 && !accumulate) clearRows(c, m, n, strideC);
  const packedA = scratch;
  const packedB = packedA + PACKED_A_BYTES;
  const tile = packedB + PACKED_B_BYTES;
  const step = evenStep(k, KC);
  for (let p = 0; p < k; p += step) {
    const depth = min(step, k - p);
    for (let j = 0; j < n; j += NC) {
      const columns = min(NC, n - j);
      if (transposeB) packTransposedColumns(b, strideB, j, columns, p, depth, packedB);
      else packColumns(b, strideB, j, columns, p, depth, packedB);
      for (let i = 0; i < m; i += MC) {
        const rows = min(MC, m - i);
        // A that is one block stays packed for all columns.
        if (j == 0 || m > MC) {
          if (transposeA) packTransposedRows(a, strideA, i, rows, p, depth, packedA);
          else packRows(a, strideA, i, rows, p, depth, packedA);
        }
        const target = element(c, strideC, i, j);
        multiplyBlock(packedA, packedB, target, strideC, rows, columns, depth, accumulate || p > 0, tile);
      }
    }
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
  strideB: i32,
  c: usize,
  strideC: i32,
  accumulate: bool,
): void {
  const bytes = <usize>n << 2;
  const stepB = <usize>strideB << 2;
  const stepC = <usize>strideC << 2;
  if (!accumulate) clearRows(c, m, n, strideC);
  let p = 0;
  for (; p + 4 <= k; p += 4) {
    for (let i = 0; i < m; i++) {
      const x = a + ((<usize>i * stepRow + <usize>p * stepColumn) << 2);
      const step = <usize>stepColumn << 2;
      const x0 = v128.load32_splat(x);
      const x1 = v128.load32_splat(x + step);
      const x2 = v128.load32_splat(x + 2 * step);
      const x3 = v128.load32_splat(x + 3 * step);
      const row = c + <usize>i * stepC;
      let at: usize = 0;
      for (; at + 16 <= bytes; at += 16) {
        const y = b + at;
        let sum = madd(v128.load(row + at), x0, v128.load(y));
        sum = madd(sum, x1, v128.load(y + stepB));
        sum = madd(sum, x2, v128.load(y + 2 * stepB));
        v128.store(row + at, madd(sum, x3, v128.load(y + 3 * stepB)));
      }
      for (; at < bytes; at += 4) {
        const y = b + at;
        let sum = madd(v128.load32_zero(row + at), x0, v128.load32_zero(y));
        sum = madd(sum, x1, v128.load32_zero(y + stepB));
        sum = madd(sum, x2, v128.load32_zero(y + 2 * stepB));
        v128.store32_lane(row + at, madd(sum, x3, v128.load32_zero(y + 3 * stepB)), 0);
      }
    }
    b += stepB << 2;
  }
  for (; p < k; p++) {
    for (let i = 0; i < m; i++) {
      const x = v128.load32_splat(a + ((<usize>i * stepRow + <usize>p * stepColumn) << 2));
      const row = c + <usize>i * stepC;
      for (let at: usize = 0; at < bytes; at += 4) {
        const sum = madd(v128.load32_zero(row + at), x, v128.load32_zero(b + at));
        v128.store32_lane(row + at, sum, 0);
      }
    }
    b += stepB;
  }
}

/** The largest step of at most `limit` (a multiple of 4) that divides `length` into parts of about one size. */
function evenStep(length: i32, limit: i32): i32 {
  const parts = (length + limit - 1) / limit;
  return parts == 0 ? limit : ((length + parts - 1) / parts + 3) & ~3;
}

/** One block of C from packed panels. */
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
  const step = <usize>stride << 2;
  let b = packedB;
  for (let j = 0; j < columns; j += NR) {
    let a = packedA;
    for (let i = 0; i < rows; ) {
      const height = tileRows(rows - i);
      multiplyPanels(a, b, element(c, stride, i, j), step, height, rows - i, columns - j, depth, accumulate, tile);
      a += panelPitch(depth, height);
      i += height;
    }
    b += panelPitch(depth, NR);
  }
}

function clearRows(c: usize, m: i32, n: i32, stride: i32): void {
  for (let i = 0; i < m; i++) memory.fill(element(c, stride, i, 0), 0, <usize>n << 2);
}
