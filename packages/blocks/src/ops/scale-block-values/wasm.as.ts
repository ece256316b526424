// The values of a block-sparse matrix scaled block by block, and multiplied and summed block by block. Blocks are stored
// one after the other, each row by row.

/** out = each block's values times the block's own factor in scale [rows, columns] of blocks. A block of factor 0 is 0 whatever it held. */
export function scaleBlockValues(
  values: usize,
  scale: usize,
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
    const height = min(blockRows, n - row);
    const end = load<i32>(pointers, 4);
    for (let at = load<i32>(pointers); at < end; at++) {
      const q = load<i32>(indices + (<usize>at << 2));
      const bytes = <usize>(height * min(blockColumns, m - q * blockColumns)) << 2;
      const factor = load<f32>(scale + (<usize>q << 2));
      if (factor == 0) zero(out, bytes);
      else multiply(values, factor, out, bytes);
      values += bytes;
      out += bytes;
    }
    pointers += 4;
    scale += <usize>gridColumns << 2;
  }
}

/**
 * out [rows, columns] of blocks = the sum of a · b over each kept block, 0 where pruned. Each row of a block is summed in
 * single precision, the rows in double, in the order of BlockDot: the same blocks come to the same bits.
 */
export function blockValuesDot(
  a: usize,
  b: usize,
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
    const height = min(blockRows, n - row);
    zero(out, <usize>gridColumns << 2);
    const end = load<i32>(pointers, 4);
    for (let at = load<i32>(pointers); at < end; at++) {
      const q = load<i32>(indices + (<usize>at << 2));
      const bytes = <usize>min(blockColumns, m - q * blockColumns) << 2;
      let sum = f64x2.splat(0);
      for (let i = 0; i < height; i++) {
        sum = f64x2.add(sum, rowDot(a, b, bytes));
        a += bytes;
        b += bytes;
      }
      store<f32>(out + (<usize>q << 2), <f32>(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
    }
    pointers += 4;
    out += <usize>gridColumns << 2;
  }
}

// @ts-ignore: decorator
@inline
function rowDot(a: usize, b: usize, bytes: usize): v128 {
  const end = a + bytes;
  let row = f32x4.splat(0);
  for (; a + 16 <= end; a += 16, b += 16) row = f32x4.add(row, f32x4.mul(v128.load(a), v128.load(b)));
  for (; a < end; a += 4, b += 4) row = f32x4.add(row, f32x4.mul(v128.load32_zero(a), v128.load32_zero(b)));
  const high = v128.shuffle<f32>(row, row, 2, 3, 2, 3);
  return f64x2.add(f64x2.promote_low_f32x4(row), f64x2.promote_low_f32x4(high));
}

// @ts-ignore: decorator
@inline
function multiply(from: usize, factor: f32, to: usize, bytes: usize): void {
  const end = to + bytes;
  const factors = f32x4.splat(factor);
  for (; to + 16 <= end; to += 16, from += 16) v128.store(to, f32x4.mul(v128.load(from), factors));
  for (; to < end; to += 4, from += 4) store<f32>(to, load<f32>(from) * factor);
}

// @ts-ignore: decorator
@inline
function zero(to: usize, bytes: usize): void {
  const end = to + bytes;
  for (; to + 16 <= end; to += 16) v128.store(to, f32x4.splat(0));
  for (; to < end; to += 4) store<f32>(to, 0);
}
