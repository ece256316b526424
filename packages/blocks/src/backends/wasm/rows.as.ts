// What is done with the part of a matrix's row that lies in one block: from byte `at` to byte `end` of the matrices.

/** The sum of a · b: four sums in single precision, then two in double. */
// @ts-ignore: decorator
@inline
export function rowDot(a: usize, b: usize, at: usize, end: usize): v128 {
  let row = f32x4.splat(0);
  for (; at + 64 <= end; at += 64) {
    const x = a + at;
    const y = b + at;
    row = f32x4.add(row, f32x4.mul(v128.load(x), v128.load(y)));
    row = f32x4.add(row, f32x4.mul(v128.load(x, 16), v128.load(y, 16)));
    row = f32x4.add(row, f32x4.mul(v128.load(x, 32), v128.load(y, 32)));
    row = f32x4.add(row, f32x4.mul(v128.load(x, 48), v128.load(y, 48)));
  }
  for (; at + 16 <= end; at += 16) row = f32x4.add(row, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  for (; at < end; at += 4)
    row = f32x4.add(row, f32x4.mul(v128.load32_zero(a + at), v128.load32_zero(b + at)));
  return inDouble(row);
}

/** out = from · factor. */
// @ts-ignore: decorator
@inline
export function rowScaled(from: usize, factor: f32, out: usize, at: usize, end: usize): void {
  const factors = f32x4.splat(factor);
  for (; at + 64 <= end; at += 64) {
    const x = from + at;
    const y = out + at;
    v128.store(y, f32x4.mul(v128.load(x), factors));
    v128.store(y, f32x4.mul(v128.load(x, 16), factors), 16);
    v128.store(y, f32x4.mul(v128.load(x, 32), factors), 32);
    v128.store(y, f32x4.mul(v128.load(x, 48), factors), 48);
  }
  for (; at + 16 <= end; at += 16) v128.store(out + at, f32x4.mul(v128.load(from + at), factors));
  for (; at < end; at += 4) store<f32>(out + at, load<f32>(from + at) * factor);
}

/** Adds two sums in double precision to those that lie at `sums`. */
// @ts-ignore: decorator
@inline
export function addTo(sums: usize, both: v128): void {
  v128.store(sums, f64x2.add(v128.load(sums), both));
}

/** Both together. */
// @ts-ignore: decorator
@inline
export function total(sums: usize): f64 {
  return load<f64>(sums) + load<f64>(sums, 8);
}

// @ts-ignore: decorator
@inline
export function inDouble(row: v128): v128 {
  const high = v128.shuffle<f32>(row, row, 2, 3, 2, 3);
  return f64x2.add(f64x2.promote_low_f32x4(row), f64x2.promote_low_f32x4(high));
}

/** Adds the sums of a · a and of a · b to those at `sums` and 16 bytes beyond. */
// @ts-ignore: decorator
@inline
export function addSquaresAndDots(sums: usize, a: usize, b: usize, at: usize, end: usize): void {
  let squares = f32x4.splat(0);
  let dots = f32x4.splat(0);
  for (; at + 32 <= end; at += 32) {
    const a0 = v128.load(a + at);
    const a1 = v128.load(a + at, 16);
    squares = f32x4.add(squares, f32x4.mul(a0, a0));
    dots = f32x4.add(dots, f32x4.mul(a0, v128.load(b + at)));
    squares = f32x4.add(squares, f32x4.mul(a1, a1));
    dots = f32x4.add(dots, f32x4.mul(a1, v128.load(b + at, 16)));
  }
  for (; at + 16 <= end; at += 16) {
    const first = v128.load(a + at);
    squares = f32x4.add(squares, f32x4.mul(first, first));
    dots = f32x4.add(dots, f32x4.mul(first, v128.load(b + at)));
  }
  for (; at < end; at += 4) {
    const first = v128.load32_zero(a + at);
    squares = f32x4.add(squares, f32x4.mul(first, first));
    dots = f32x4.add(dots, f32x4.mul(first, v128.load32_zero(b + at)));
  }
  addTo(sums, inDouble(squares));
  addTo(sums + 16, inDouble(dots));
}
