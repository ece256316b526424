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
  if (blockRows == 1 && blockColumns == 1) return scaleEach(matrix, scale, out, n * m);
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  let at: usize = 0;
  for (let i = 0; i < n; i++) {
    const scales = scale + ((<usize>(i / blockRows) * gridColumns) << 2);
    for (let q = 0; q < gridColumns; q++) {
      const factor = load<f32>(scales + ((<usize>q) << 2));
      const end = at + ((<usize>min(blockColumns, m - q * blockColumns)) << 2);
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
  if (blockRows == 1 && blockColumns == 1) return multiplyEach(a, b, out, n * m);
  for (let i = 0; i < n; i += blockRows) {
    const rows = min(blockRows, n - i);
    for (let j = 0; j < m; j += blockColumns) {
      const bytes = (<usize>min(blockColumns, m - j)) << 2;
      let sum = f64x2.splat(0);
      for (let r = 0; r < rows; r++) {
        const start = (<usize>(i + r) * m + j) << 2;
        const end = start + bytes;
        let at = start;
        let row = f32x4.splat(0);
        for (; at + 16 <= end; at += 16)
          row = f32x4.add(row, f32x4.mul(v128.load(a + at), v128.load(b + at)));
        for (; at < end; at += 4)
          row = f32x4.add(row, f32x4.mul(v128.load32_zero(a + at), v128.load32_zero(b + at)));
        const high = v128.shuffle<f32>(row, row, 2, 3, 2, 3);
        sum = f64x2.add(sum, f64x2.add(f64x2.promote_low_f32x4(row), f64x2.promote_low_f32x4(high)));
      }
      store<f32>(out, <f32>(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
      out += 4;
    }
  }
}

/**
 * Both gradients of scaleBlocks in one pass: dMatrix[i, j] = dy[i, j] · scale[block of (i, j)], exactly 0 where the
 * scale is 0, and dScale[p, q] = the sum over block (p, q) of dy · matrix, in the precision of blockDot.
 *
 * @param sums scratch, 16 bytes for each column of the grid
 */
export function scaleBlocksGrad(
  dy: usize,
  matrix: usize,
  scale: usize,
  dMatrix: usize,
  dScale: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  sums: usize,
): void {
  if (blockRows == 1 && blockColumns == 1) {
    scaleEach(dy, scale, dMatrix, n * m);
    return multiplyEach(dy, matrix, dScale, n * m);
  }
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  const zero = f32x4.splat(0);
  let at: usize = 0;
  for (let i = 0; i < n; i += blockRows) {
    const rows = min(blockRows, n - i);
    memory.fill(sums, 0, (<usize>gridColumns) << 4);
    for (let r = 0; r < rows; r++) {
      for (let q = 0; q < gridColumns; q++) {
        const factor = load<f32>(scale + ((<usize>q) << 2));
        const factor4 = f32x4.splat(factor);
        const kept = f32x4.ne(factor4, zero);
        const end = at + ((<usize>min(blockColumns, m - q * blockColumns)) << 2);
        let row = zero;
        for (; at + 16 <= end; at += 16) {
          const gradient = v128.load(dy + at);
          v128.store(dMatrix + at, v128.and(f32x4.mul(gradient, factor4), kept));
          row = f32x4.add(row, f32x4.mul(gradient, v128.load(matrix + at)));
        }
        for (; at < end; at += 4) {
          const gradient = v128.load32_zero(dy + at);
          v128.store32_lane(dMatrix + at, v128.and(f32x4.mul(gradient, factor4), kept), 0);
          row = f32x4.add(row, f32x4.mul(gradient, v128.load32_zero(matrix + at)));
        }
        const sum = sums + ((<usize>q) << 4);
        const high = v128.shuffle<f32>(row, row, 2, 3, 2, 3);
        const both = f64x2.add(f64x2.promote_low_f32x4(row), f64x2.promote_low_f32x4(high));
        v128.store(sum, f64x2.add(v128.load(sum), both));
      }
    }
    for (let q = 0; q < gridColumns; q++) {
      const sum = v128.load(sums + ((<usize>q) << 4));
      store<f32>(dScale, <f32>(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
      dScale += 4;
    }
    scale += (<usize>gridColumns) << 2;
  }
}

// Blocks of one weight, which are many: four at a time, with the results of the loops above.

/** out = matrix · scale, exactly 0 where the scale is 0. */
function scaleEach(matrix: usize, scale: usize, out: usize, count: i32): void {
  const zero = f32x4.splat(0);
  const end = (<usize>count) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const factors = v128.load(scale + at);
    const product = f32x4.mul(v128.load(matrix + at), factors);
    v128.store(out + at, v128.and(product, f32x4.ne(factors, zero)));
  }
  for (; at < end; at += 4) {
    const factor = load<f32>(scale + at);
    store<f32>(out + at, factor == 0 ? 0 : load<f32>(matrix + at) * factor);
  }
}

/** out = a · b */
function multiplyEach(a: usize, b: usize, out: usize, count: i32): void {
  const end = (<usize>count) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) v128.store(out + at, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  for (; at < end; at += 4) store<f32>(out + at, load<f32>(a + at) * load<f32>(b + at));
}
