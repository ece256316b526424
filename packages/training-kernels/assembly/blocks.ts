// What pruning by blocks does to a matrix [n, m] in each step: scaling every block by its own factor, and the
// gradient of that, the sum over each block of a product. Blocks are blockRows × blockColumns; those at the
// right and at the bottom may be ragged. The grid has ceil(m / blockColumns) columns.

/** out[i, j] = matrix[i, j] · scale[block of (i, j)]. A block whose scale is 0 is not read: its result is 0. */
export function scaleBlocks(
  matrix: usize,
  scale: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
): void {
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  let at: usize = 0;
  for (let i = 0; i < n; i++) {
    const scales = scale + (<usize>(i / blockRows) * gridColumns << 2);
    for (let q = 0; q < gridColumns; q++) {
      const factor = load<f32>(scales + (<usize>q << 2));
      const end = at + (<usize>min(blockColumns, m - q * blockColumns) << 2);
      if (factor == 0) {
        for (; at + 16 <= end; at += 16) v128.store(out + at, f32x4.splat(0));
        for (; at < end; at += 4) store<f32>(out + at, 0);
        continue;
      }
      const factor4 = f32x4.splat(factor);
      for (; at + 16 <= end; at += 16) v128.store(out + at, f32x4.mul(v128.load(matrix + at), factor4));
      for (; at < end; at += 4) store<f32>(out + at, load<f32>(matrix + at) * factor);
    }
  }
}

/** out[p, q] = the sum over block (p, q) of a · b. Rows of a block are summed in single precision, blocks in double. */
export function blockDot(
  a: usize,
  b: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
): void {
  for (let i = 0; i < n; i += blockRows) {
    const rows = min(blockRows, n - i);
    for (let j = 0; j < m; j += blockColumns) {
      const bytes = <usize>min(blockColumns, m - j) << 2;
      let sum = f64x2.splat(0);
      let rest: f64 = 0;
      for (let r = 0; r < rows; r++) {
        const start = (<usize>(i + r) * m + j) << 2;
        const end = start + bytes;
        let at = start;
        let row = f32x4.splat(0);
        for (; at + 16 <= end; at += 16) row = f32x4.add(row, f32x4.mul(v128.load(a + at), v128.load(b + at)));
        for (; at < end; at += 4) rest += <f64>(load<f32>(a + at) * load<f32>(b + at));
        const high = v128.shuffle<f32>(row, row, 2, 3, 2, 3);
        sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(row), f64x2.promote_low_f32x4(high)));
      }
      const total = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1) + rest;
      store<f32>(out, <f32>total);
      out += 4;
    }
  }
}
