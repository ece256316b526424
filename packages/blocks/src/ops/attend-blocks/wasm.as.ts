// Factors of the kept blocks of a matrix, and both gradients of that. `factors` has a number for each block of the grid;
// what lies outside of the kept ones is not touched.

import { addTo, inDouble, rowScaled, total } from '../../backends/wasm/rows.as';

/** out = each kept block of matrix [n, m] times its factor. A block whose factor is 0 is 0, whatever it held. */
export function scaleKept(
  matrix: usize,
  factors: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
): void {
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  for (let row = 0; row < n; row += blockRows) {
    const first = indices + ((<usize>load<i32>(pointers)) << 2);
    const last = indices + ((<usize>load<i32>(pointers, 4)) << 2);
    const height = min(blockRows, n - row);
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const column = q * blockColumns;
        const at = start + ((<usize>column) << 2);
        const bytes = (<usize>min(blockColumns, m - column)) << 2;
        const factor = load<f32>(factors + ((<usize>q) << 2));
        if (factor == 0) memory.fill(out + at, 0, bytes);
        else rowScaled(matrix, factor, out, at, at + bytes);
      }
    }
    pointers += 4;
    factors += (<usize>gridColumns) << 2;
  }
}

/**
 * Both gradients of scaleKept in one pass: dMatrix = dy · factor, exactly 0 where that is 0; dFactors = the sum over each
 * kept block of dy · matrix, in the precision of blockDot.
 *
 * @param sums scratch, 16 bytes for each column of the grid
 */
export function scaleKeptGrad(
  dy: usize,
  matrix: usize,
  factors: usize,
  dMatrix: usize,
  dFactors: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  sums: usize,
): void {
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  const zero = f32x4.splat(0);
  for (let row = 0; row < n; row += blockRows) {
    const first = indices + ((<usize>load<i32>(pointers)) << 2);
    const last = indices + ((<usize>load<i32>(pointers, 4)) << 2);
    const height = min(blockRows, n - row);
    memory.fill(sums, 0, (<usize>gridColumns) << 4);
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const column = q * blockColumns;
        let at = start + ((<usize>column) << 2);
        const end = at + ((<usize>min(blockColumns, m - column)) << 2);
        const factor4 = v128.load32_splat(factors + ((<usize>q) << 2));
        const kept = f32x4.ne(factor4, zero);
        let dots = zero;
        for (; at + 64 <= end; at += 64) {
          const g0 = v128.load(dy + at);
          const g1 = v128.load(dy + at, 16);
          const g2 = v128.load(dy + at, 32);
          const g3 = v128.load(dy + at, 48);
          const from = matrix + at;
          dots = f32x4.add(dots, f32x4.mul(g0, v128.load(from)));
          dots = f32x4.add(dots, f32x4.mul(g1, v128.load(from, 16)));
          dots = f32x4.add(dots, f32x4.mul(g2, v128.load(from, 32)));
          dots = f32x4.add(dots, f32x4.mul(g3, v128.load(from, 48)));
          const to = dMatrix + at;
          v128.store(to, v128.and(f32x4.mul(g0, factor4), kept));
          v128.store(to, v128.and(f32x4.mul(g1, factor4), kept), 16);
          v128.store(to, v128.and(f32x4.mul(g2, factor4), kept), 32);
          v128.store(to, v128.and(f32x4.mul(g3, factor4), kept), 48);
        }
        for (; at + 16 <= end; at += 16) {
          const gradient = v128.load(dy + at);
          v128.store(dMatrix + at, v128.and(f32x4.mul(gradient, factor4), kept));
          dots = f32x4.add(dots, f32x4.mul(gradient, v128.load(matrix + at)));
        }
        for (; at < end; at += 4) {
          const gradient = v128.load32_zero(dy + at);
          v128.store32_lane(dMatrix + at, v128.and(f32x4.mul(gradient, factor4), kept), 0);
          dots = f32x4.add(dots, f32x4.mul(gradient, v128.load32_zero(matrix + at)));
        }
        addTo(sums + ((<usize>q) << 4), inDouble(dots));
      }
    }
    for (let q = 0; q < gridColumns; q++) {
      store<f32>(dFactors + ((<usize>q) << 2), <f32>total(sums + ((<usize>q) << 4)));
    }
    pointers += 4;
    factors += (<usize>gridColumns) << 2;
    dFactors += (<usize>gridColumns) << 2;
  }
}
