// Between a dense matrix and the values of its kept blocks, which are stored one after the other, each row by row.

import { element } from '../../backends/wasm/pack.as';

/** values = the kept blocks of matrix [n, m]. */
export function gatherBlocks(
  matrix: usize,
  values: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
): void {
  for (let row = 0; row < n; row += blockRows) {
    const height = min(blockRows, n - row);
    const end = load<i32>(pointers, 4);
    for (let at = load<i32>(pointers); at < end; at++) {
      const column = load<i32>(indices + (<usize>at << 2)) * blockColumns;
      const bytes = <usize>min(blockColumns, m - column) << 2;
      for (let i = 0; i < height; i++) values = copy(element(matrix, m, row + i, column), values, bytes);
    }
    pointers += 4;
  }
}

/** The kept blocks of matrix [n, m] = the values. What lies elsewhere is not touched. */
export function scatterBlocks(
  values: usize,
  matrix: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
): void {
  for (let row = 0; row < n; row += blockRows) {
    const height = min(blockRows, n - row);
    const end = load<i32>(pointers, 4);
    for (let at = load<i32>(pointers); at < end; at++) {
      const column = load<i32>(indices + (<usize>at << 2)) * blockColumns;
      const bytes = <usize>min(blockColumns, m - column) << 2;
      for (let i = 0; i < height; i++) {
        copy(values, element(matrix, m, row + i, column), bytes);
        values += bytes;
      }
    }
    pointers += 4;
  }
}

/** Copies `bytes` (a multiple of 4) and returns the end of the target. */
// @ts-ignore: decorator
@inline
function copy(from: usize, to: usize, bytes: usize): usize {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, v128.load(from));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from));
  return end;
}
