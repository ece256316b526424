// What a mask leaves of a matrix. `pointers` and `indices` are those of the kept blocks; what lies outside is not touched.
// Row of the matrix by row, so that memory is gone through in order.

/** out = the kept blocks of matrix [n, m]. */
export function keepBlocks(
  matrix: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
): void {
  for (let row = 0; row < n; row += blockRows) {
    const first = indices + ((<usize>load<i32>(pointers)) << 2);
    const last = indices + ((<usize>load<i32>(pointers, 4)) << 2);
    const height = min(blockRows, n - row);
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const column = load<i32>(block) * blockColumns;
        let at = start + ((<usize>column) << 2);
        const end = at + ((<usize>min(blockColumns, m - column)) << 2);
        for (; at + 64 <= end; at += 64) {
          const from = matrix + at;
          const to = out + at;
          v128.store(to, v128.load(from));
          v128.store(to, v128.load(from, 16), 16);
          v128.store(to, v128.load(from, 32), 32);
          v128.store(to, v128.load(from, 48), 48);
        }
        for (; at + 16 <= end; at += 16) v128.store(out + at, v128.load(matrix + at));
        for (; at < end; at += 4) store<f32>(out + at, load<f32>(matrix + at));
      }
    }
    pointers += 4;
  }
}
