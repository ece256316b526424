// The panels that the register tiles read from first byte to last: copies of a block of an operand, which absorb its
// transposition. A panel of W holds, for each p of the depth, the W elements that a tile takes at once.

import { HIGH, LOW, NR, tileRows } from './tiles';

/** Bytes between panels: without them panels of the full depth would fall on one set of the cache. */
export const PANEL_GAP: usize = 64;

/** The address of element [row, column] of a row-major matrix. */
// @ts-ignore: decorator
@inline
export function element(base: usize, stride: i32, row: i32, column: i32): usize {
  return base + ((<usize>row * stride + column) << 2);
}

/** Bytes from one panel of `W` to the next. */
// @ts-ignore: decorator
@inline
export function panelPitch(depth: i32, W: i32): usize {
  return (<usize>(depth * W) << 2) + PANEL_GAP;
}

/** Packs `rows` rows of A, stored as they are, from [row, p] on, in panels as high as the tiles. */
export function packRows(a: usize, stride: i32, row: i32, rows: i32, p: i32, depth: i32, to: usize): void {
  for (let i = 0; i < rows; ) {
    const height = tileRows(rows - i);
    const from = element(a, stride, row + i, p);
    if (height == HIGH) packTransposed(from, stride, rows - i, depth, to, HIGH);
    else packTransposed(from, stride, rows - i, depth, to, LOW);
    to += panelPitch(depth, height);
    i += height;
  }
}

/** The same of A stored transposed: element [row, p] is at [p, row]. Its rows are read whole. */
export function packTransposedRows(a: usize, stride: i32, row: i32, rows: i32, p: i32, depth: i32, to: usize): void {
  let high = 0;
  while (rows - high >= HIGH && tileRows(rows - high) == HIGH) high += HIGH;
  const pitch = panelPitch(depth, HIGH);
  for (let q = 0; q < depth; q++) {
    let from = element(a, stride, p + q, row);
    let target = to + <usize>q * (HIGH * 4);
    for (let i = 0; i < high; i += HIGH) {
      v128.store(target, v128.load(from));
      v128.store64_lane(target, v128.load64_zero(from, 16), 0, 16);
      from += HIGH * 4;
      target += pitch;
    }
  }
  to += <usize>(high / HIGH) * pitch;
  for (let i = high; i < rows; ) {
    const height = tileRows(rows - i);
    const from = element(a, stride, p, row + i);
    if (height == HIGH) packStraight(from, stride, rows - i, depth, to, HIGH);
    else packStraight(from, stride, rows - i, depth, to, LOW);
    to += panelPitch(depth, height);
    i += height;
  }
}

/** Packs `columns` columns of B, stored as they are, from [p, column] on, in panels of NR. Rows of B are read whole. */
export function packColumns(b: usize, stride: i32, column: i32, columns: i32, p: i32, depth: i32, to: usize): void {
  const pitch = panelPitch(depth, NR);
  const whole = columns & ~(2 * NR - 1);
  for (let q = 0; q < depth; q++) {
    let from = element(b, stride, p + q, column);
    let target = to + (<usize>(q * NR) << 2);
    for (let j = 0; j < whole; j += 2 * NR) {
      const x0 = v128.load(from);
      const x1 = v128.load(from, 16);
      const x2 = v128.load(from, 32);
      const x3 = v128.load(from, 48);
      v128.store(target, x0);
      v128.store(target, x1, 16);
      v128.store(target + pitch, x2);
      v128.store(target + pitch, x3, 16);
      from += 64;
      target += 2 * pitch;
    }
  }
  to += <usize>(whole / NR) * pitch;
  for (let j = whole; j < columns; j += NR) {
    packStraight(element(b, stride, p, column + j), stride, columns - j, depth, to, NR);
    to += pitch;
  }
}

/** The same of B stored transposed: element [p, column] is at [column, p]. */
export function packTransposedColumns(b: usize, stride: i32, column: i32, columns: i32, p: i32, depth: i32, to: usize): void {
  for (let j = 0; j < columns; j += NR) {
    packTransposed(element(b, stride, column + j, p), stride, columns - j, depth, to, NR);
    to += panelPitch(depth, NR);
  }
}

/** One panel of `W`, a constant, of rows of `width` elements; where they are fewer than W, zeros follow. */
// @ts-ignore: decorator
@inline
function packStraight(from: usize, stride: i32, width: i32, depth: i32, to: usize, W: i32): void {
  const step = <usize>stride << 2;
  for (let p = 0; p < depth; p++) {
    if (width >= W) {
      v128.store(to, v128.load(from));
      if (W == HIGH) v128.store64_lane(to, v128.load64_zero(from, 16), 0, 16);
      if (W == NR) v128.store(to, v128.load(from, 16), 16);
    } else {
      for (let w = 0; w < W; w++) {
        store<f32>(to + (<usize>w << 2), w < width ? load<f32>(from + (<usize>w << 2)) : 0);
      }
    }
    from += step;
    to += <usize>W << 2;
  }
}

/** One panel of `W`, a constant, of `width` rows that hold the depth; where they are fewer than W, zeros take their place. */
// @ts-ignore: decorator
@inline
function packTransposed(from: usize, stride: i32, width: i32, depth: i32, to: usize, W: i32): void {
  const step = <usize>stride << 2;
  const bytes = <usize>W << 2;
  let p = 0;
  if (width >= W) {
    for (; p + 4 <= depth; p += 4) {
      transposeFour(from, step, to, bytes);
      if (W == HIGH) transposeTwo(from + 4 * step, step, to + 16, bytes);
      if (W == NR) transposeFour(from + 4 * step, step, to + 16, bytes);
      from += 16;
      to += bytes << 2;
    }
  }
  for (; p < depth; p++) {
    for (let w = 0; w < W; w++) {
      store<f32>(to + (<usize>w << 2), w < width ? load<f32>(from + <usize>w * step) : 0);
    }
    from += 4;
    to += bytes;
  }
}

/** Transposes a 4 × 4 tile from rows `step` bytes apart to rows `bytes` bytes apart. */
// @ts-ignore: decorator
@inline
function transposeFour(from: usize, step: usize, to: usize, bytes: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + step);
  const r2 = v128.load(from + 2 * step);
  const r3 = v128.load(from + 3 * step);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + bytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * bytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * bytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Transposes a 2 × 4 tile in the same way. */
// @ts-ignore: decorator
@inline
function transposeTwo(from: usize, step: usize, to: usize, bytes: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + step);
  const low = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  v128.store64_lane(to, low, 0);
  v128.store64_lane(to + bytes, low, 1);
  v128.store64_lane(to + 2 * bytes, high, 0);
  v128.store64_lane(to + 3 * bytes, high, 1);
}
