// Rows of a block-sparse matrix [n, m] by their numbers, and its adjoint.

import { element } from '../../backends/wasm/pack.as';

/** out [count, m] = the rows of the matrix. Returns the place of a number that is no row's, or −1; then out is not whole. */
export function lookUpRows(
  values: usize,
  rows: usize,
  count: i32,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  starts: usize,
): i32 {
  memory.fill(out, 0, <usize>count * <usize>m * 4);
  for (let i = 0; i < count; i++) {
    const row = load<i32>(rows + (<usize>i << 2));
    if (row < 0 || row >= n) return i;
    const blockRow = row / blockRows;
    const line = pointers + (<usize>blockRow << 2);
    const end = load<i32>(line, 4);
    for (let at = load<i32>(line); at < end; at++) {
      const column = load<i32>(indices + (<usize>at << 2)) * blockColumns;
      const width = min(blockColumns, m - column);
      const own = inBlock(values, starts, at, row - blockRow * blockRows, width);
      memory.copy(element(out, m, i, column), own, <usize>width << 2);
    }
  }
  return -1;
}

/** values [size] = the sums of the rows dy [count, m] at the kept blocks. Returns as lookUpRows does. */
export function addRows(
  dy: usize,
  rows: usize,
  count: i32,
  values: usize,
  size: i32,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  starts: usize,
): i32 {
  memory.fill(values, 0, <usize>size * 4);
  for (let i = 0; i < count; i++) {
    const row = load<i32>(rows + (<usize>i << 2));
    if (row < 0 || row >= n) return i;
    const blockRow = row / blockRows;
    const line = pointers + (<usize>blockRow << 2);
    const end = load<i32>(line, 4);
    for (let at = load<i32>(line); at < end; at++) {
      const column = load<i32>(indices + (<usize>at << 2)) * blockColumns;
      const width = min(blockColumns, m - column);
      let to = inBlock(values, starts, at, row - blockRow * blockRows, width);
      let from = element(dy, m, i, column);
      const stop = from + (<usize>width << 2);
      for (; from < stop; from += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(from));
    }
  }
  return -1;
}

/** Where a row of a kept block begins, of a block that is so wide. */
// @ts-ignore: decorator
@inline
function inBlock(values: usize, starts: usize, at: i32, row: i32, width: i32): usize {
  return values + (<usize>(load<i32>(starts + (<usize>at << 2)) + row * width) << 2);
}
