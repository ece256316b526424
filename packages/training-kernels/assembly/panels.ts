// The panels that the register tile of gemm.ts reads from first byte to last: copies of a block of an operand, which
// absorb its transposition.

/** Bytes between panels: without them panels of the full depth would fall on one set of the cache. */
export const PANEL_GAP: usize = 64;

/** The address of element [row, column] of a row-major matrix. */
// @ts-ignore: decorator
@inline
export function element(base: usize, stride: i32, row: i32, column: i32): usize {
  return base + ((<usize>row * stride + column) << 2);
}

/**
 * Packs `depth` rows × `width` columns of a row-major matrix, from [row, column], into panels of `W` columns:
 * panel q holds, for each row, the elements of columns q·W to q·W + W - 1; missing columns are zeros.
 */
// @ts-ignore: decorator
@inline
export function packStraight(
  from: usize,
  stride: i32,
  column: i32,
  width: i32,
  row: i32,
  depth: i32,
  to: usize,
  W: i32,
): void {
  const panelBytes = panelPitch(depth, W);
  for (let p = 0; p < depth; p++) {
    let source = element(from, stride, row + p, column);
    let target = to + (<usize>(p * W) << 2);
    let q = 0;
    for (; q + 16 <= width; q += 16) {
      const x0 = v128.load(source);
      const x1 = v128.load(source, 16);
      const x2 = v128.load(source, 32);
      const x3 = v128.load(source, 48);
      if (W == 8) {
        v128.store(target, x0);
        v128.store(target, x1, 16);
        v128.store(target + panelBytes, x2);
        v128.store(target + panelBytes, x3, 16);
        target += 2 * panelBytes;
      } else {
        v128.store(target, x0);
        v128.store(target + panelBytes, x1);
        v128.store(target + 2 * panelBytes, x2);
        v128.store(target + 3 * panelBytes, x3);
        target += 4 * panelBytes;
      }
      source += 64;
    }
    for (; q + W <= width; q += W) {
      v128.store(target, v128.load(source));
      if (W == 8) v128.store(target, v128.load(source, 16), 16);
      source += <usize>W << 2;
      target += panelBytes;
    }
    if (q < width) {
      for (let w = 0; w < W; w++) {
        store<f32>(target + (<usize>w << 2), w < width - q ? load<f32>(source + (<usize>w << 2)) : 0);
      }
    }
  }
}

/** Bytes from one panel of `W` columns to the next. */
// @ts-ignore: decorator
@inline
export function panelPitch(depth: i32, W: i32): usize {
  return (<usize>(depth * W) << 2) + PANEL_GAP;
}

/**
 * The same panels from the transpose: the matrix is stored with `column` running over its rows.
 * Panel q holds, for each p, the elements [column + q·W + w, row + p] for w < W.
 */
// @ts-ignore: decorator
@inline
export function packTransposed(
  from: usize,
  stride: i32,
  column: i32,
  width: i32,
  row: i32,
  depth: i32,
  to: usize,
  W: i32,
): void {
  const step = <usize>stride << 2;
  const bytes = <usize>W << 2;
  const pitch = panelPitch(depth, W);
  for (let q = 0; q < width; q += W) {
    let target = to + <usize>(q / W) * pitch;
    const valid = min(W, width - q);
    let source = element(from, stride, column + q, row);
    let p = 0;
    if (valid == W) {
      for (; p + 4 <= depth; p += 4) {
        transpose4(source, step, target, bytes);
        if (W == 8) transpose4(source + 4 * step, step, target + 16, bytes);
        source += 16;
        target += bytes << 2;
      }
    }
    for (; p < depth; p++) {
      for (let w = 0; w < W; w++) {
        store<f32>(target + (<usize>w << 2), w < valid ? load<f32>(source + <usize>w * step) : 0);
      }
      source += 4;
      target += bytes;
    }
  }
}

/** Transposes a 4 × 4 tile from rows `step` bytes apart to rows `bytes` bytes apart. */
// @ts-ignore: decorator
@inline
function transpose4(source: usize, step: usize, target: usize, bytes: usize): void {
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
