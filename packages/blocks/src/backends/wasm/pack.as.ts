// Copies of the operands in the order in which the register tile reads them, from first byte to last. Row strides
// that are multiples of 4096 bytes, which fall on one set of the cache, cost nothing there.

/** The address of element [row, column] of a row-major matrix. */
// @ts-ignore: decorator
@inline
export function element(base: usize, stride: i32, row: i32, column: i32): usize {
  return base + ((<usize>row * stride + column) << 2);
}

/**
 * Columns `column` to `column + count - 1` of `rows` ≤ 4 · vectors rows of a matrix as a panel [count][4 · vectors]:
 * transposed, with zeros for the rows that are missing.
 */
export function packRows(
  from: usize,
  stride: i32,
  rows: i32,
  column: i32,
  count: i32,
  vectors: i32,
  to: usize,
): void {
  const step = <usize>stride << 2;
  const bytes = <usize>vectors << 4;
  for (let q = 0; q < vectors; q++) {
    const valid = min(4, rows - 4 * q);
    let source = element(from, stride, 4 * q, column);
    let target = to + (<usize>q << 4);
    let k = 0;
    if (valid == 4) {
      for (; k + 4 <= count; k += 4) {
        transpose4(source, step, target, bytes);
        source += 16;
        target += bytes << 2;
      }
    }
    for (; k < count; k++) {
      for (let w = 0; w < 4; w++) {
        store<f32>(target + (<usize>w << 2), w < valid ? load<f32>(source + <usize>w * step) : 0);
      }
      source += 4;
      target += bytes;
    }
  }
}

/** The 4 × 4 elements at rows `step` bytes apart, transposed, to rows `bytes` apart. */
// @ts-ignore: decorator
@inline
export function transpose4(source: usize, step: usize, target: usize, bytes: usize): void {
  const r0 = v128.load(source);
  const r1 = v128.load(source + step);
  const r2 = v128.load(source + 2 * step);
  const r3 = v128.load(source + 3 * step);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(target + bytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(target + 2 * bytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(target + 3 * bytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** `width` columns of `rows` rows of a matrix as a panel [rows][pitch]; the columns beyond `width` are zeros. */
export function packColumns(
  from: usize,
  stride: i32,
  rows: i32,
  width: i32,
  pitch: i32,
  to: usize,
): void {
  const step = <usize>stride << 2;
  const next = <usize>pitch << 2;
  if (width == 8 && pitch == 8) {
    for (let row = 0; row < rows; row++) {
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      from += step;
      to += 32;
    }
    return;
  }
  if (width == 4 && pitch == 4) {
    for (let row = 0; row < rows; row++) {
      v128.store(to, v128.load(from));
      from += step;
      to += 16;
    }
    return;
  }
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < pitch; c++) {
      store<f32>(to + (<usize>c << 2), c < width ? load<f32>(from + (<usize>c << 2)) : 0);
    }
    from += step;
    to += next;
  }
}
