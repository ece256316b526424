// Kept blocks scaled by a function of their own norm, out = g(‖V_b‖) V_b, and the gradients; or each of their weights by
// one of its own size. Either
//
//     a power       g(x) = x^p, and 0 for a norm of up to ZERO_NORM
//     a threshold   g(x) = max(1 - t / x, leak)
//
// `threshold` is the address of t, 0 of a power's; a power p is whole + fraction.
//
// A norm is that of a whole block, where a block is ragged. What lies outside of the kept blocks is not touched. A row of
// blocks is gone through twice, the second time in the cache.

import { power4 } from '../../backends/wasm/exponential.as';
import { SQUARED_NORM_FLOOR, ZERO_NORM } from '../../norm-floor';
import { addSquaresAndDots, addTo, rowDot, rowScaled, total } from '../../backends/wasm/rows.as';

/** ‖V_b‖ as if the block were whole. */
// @ts-ignore: decorator
@inline
function normOf(squares: f64, share: f64): f64 {
  return sqrt(max<f64>(squares * share, SQUARED_NORM_FLOOR));
}

/** g(norm) */
// @ts-ignore: decorator
@inline
function factorOf(norm: f64, shrinks: bool, t: f32, leak: f32, whole: i32, fraction: f32): f64 {
  if (shrinks) return max<f64>(1 - <f64>t / norm, <f64>leak);
  if (norm <= ZERO_NORM) return 0;
  return <f64>f32x4.extract_lane(power4(f32x4.splat(<f32>norm), whole, fraction), 0);
}

/** g'(norm) */
// @ts-ignore: decorator
@inline
function slopeOf(
  norm: f64,
  factor: f64,
  shrinks: bool,
  t: f32,
  leak: f32,
  whole: i32,
  fraction: f32,
): f64 {
  if (shrinks) return 1 - <f64>t / norm >= <f64>leak ? <f64>t / (norm * norm) : 0;
  return factor == 0 ? 0 : ((<f64>whole + <f64>fraction) * factor) / norm;
}

/** @param sums scratch, 16 bytes for each column of the grid */
export function scaleByNorms(
  matrix: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  sums: usize,
  threshold: usize,
  leak: f32,
  whole: i32,
  fraction: f32,
): void {
  const shrinks = threshold != 0;
  const t: f32 = shrinks ? load<f32>(threshold) : 0;
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  for (let row = 0; row < n; row += blockRows) {
    const first = indices + ((<usize>load<i32>(pointers)) << 2);
    const last = indices + ((<usize>load<i32>(pointers, 4)) << 2);
    const height = min(blockRows, n - row);
    memory.fill(sums, 0, (<usize>gridColumns) << 4);
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const at = start + ((<usize>(q * blockColumns)) << 2);
        const bytes = (<usize>min(blockColumns, m - q * blockColumns)) << 2;
        addTo(sums + ((<usize>q) << 4), rowDot(matrix, matrix, at, at + bytes));
      }
    }
    for (let block = first; block < last; block += 4) {
      const q = load<i32>(block);
      const size = height * min(blockColumns, m - q * blockColumns);
      const sum = sums + ((<usize>q) << 4);
      const share = <f64>(blockRows * blockColumns) / <f64>size;
      store<f32>(sum, <f32>factorOf(normOf(total(sum), share), shrinks, t, leak, whole, fraction));
    }
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const at = start + ((<usize>(q * blockColumns)) << 2);
        const bytes = (<usize>min(blockColumns, m - q * blockColumns)) << 2;
        const factor = load<f32>(sums + ((<usize>q) << 4));
        if (factor == 0) memory.fill(out + at, 0, bytes);
        else rowScaled(matrix, factor, out, at, at + bytes);
      }
    }
    pointers += 4;
  }
}

/**
 * dMatrix = g dy + g' (‖V_b‖'s share) <dy, V_b> / ‖V_b‖ V_b.
 *
 * @param sums scratch, 32 bytes for each column of the grid
 * @returns the gradient by t
 */
export function scaleByNormsGrad(
  dy: usize,
  matrix: usize,
  dMatrix: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  sums: usize,
  threshold: usize,
  leak: f32,
  whole: i32,
  fraction: f32,
): f64 {
  const shrinks = threshold != 0;
  const t: f32 = shrinks ? load<f32>(threshold) : 0;
  const gridColumns = (m + blockColumns - 1) / blockColumns;
  let byThreshold: f64 = 0;
  for (let row = 0; row < n; row += blockRows) {
    const first = indices + ((<usize>load<i32>(pointers)) << 2);
    const last = indices + ((<usize>load<i32>(pointers, 4)) << 2);
    const height = min(blockRows, n - row);
    memory.fill(sums, 0, (<usize>gridColumns) << 5);
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const at = start + ((<usize>(q * blockColumns)) << 2);
        const end = at + ((<usize>min(blockColumns, m - q * blockColumns)) << 2);
        addSquaresAndDots(sums + ((<usize>q) << 5), matrix, dy, at, end);
      }
    }
    for (let block = first; block < last; block += 4) {
      const q = load<i32>(block);
      const size = height * min(blockColumns, m - q * blockColumns);
      const sum = sums + ((<usize>q) << 5);
      const share = <f64>(blockRows * blockColumns) / <f64>size;
      const squares = total(sum);
      const dot = total(sum + 16);
      const norm = normOf(squares, share);
      const factor = factorOf(norm, shrinks, t, leak, whole, fraction);
      const moves = squares * share >= SQUARED_NORM_FLOOR;
      store<f32>(sum, <f32>factor);
      store<f32>(sum, moves ? <f32>((slopeOf(norm, factor, shrinks, t, leak, whole, fraction) * share * dot) / norm) : 0, 4);
      if (shrinks && 1 - <f64>t / norm >= <f64>leak) byThreshold -= dot / norm;
    }
    for (let i = 0; i < height; i++) {
      const start = (<usize>(row + i) * m) << 2;
      for (let block = first; block < last; block += 4) {
        const q = load<i32>(block);
        const at = start + ((<usize>(q * blockColumns)) << 2);
        const end = at + ((<usize>min(blockColumns, m - q * blockColumns)) << 2);
        const sum = sums + ((<usize>q) << 5);
        rowCombined(dy, load<f32>(sum), matrix, load<f32>(sum, 4), dMatrix, at, end);
      }
    }
    pointers += 4;
  }
  return byThreshold;
}

/** out = a · s + b · r, where a · 0 is 0 whatever a is. */
// @ts-ignore: decorator
@inline
function rowCombined(a: usize, s: f32, b: usize, r: f32, out: usize, at: usize, end: usize): void {
  const s4 = f32x4.splat(s);
  const r4 = f32x4.splat(r);
  const kept = f32x4.ne(s4, f32x4.splat(0));
  for (; at + 32 <= end; at += 32) {
    const x = a + at;
    const y = b + at;
    const first = v128.and(f32x4.mul(v128.load(x), s4), kept);
    const second = v128.and(f32x4.mul(v128.load(x, 16), s4), kept);
    v128.store(out + at, f32x4.add(first, f32x4.mul(v128.load(y), r4)));
    v128.store(out + at, f32x4.add(second, f32x4.mul(v128.load(y, 16), r4)), 16);
  }
  for (; at + 16 <= end; at += 16) {
    const first = v128.and(f32x4.mul(v128.load(a + at), s4), kept);
    v128.store(out + at, f32x4.add(first, f32x4.mul(v128.load(b + at), r4)));
  }
  for (; at < end; at += 4) {
    const first = v128.and(f32x4.mul(v128.load32_zero(a + at), s4), kept);
    v128.store32_lane(out + at, f32x4.add(first, f32x4.mul(v128.load32_zero(b + at), r4)), 0);
  }
}

/** out = g(|V|) V, weight by weight. */
export function scaleBySizes(
  matrix: usize,
  out: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  threshold: usize,
  leak: f32,
  whole: i32,
  fraction: f32,
): void {
  const shrinks = threshold != 0;
  const t: f32 = shrinks ? load<f32>(threshold) : 0;
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
        for (; at + 16 <= end; at += 16) v128.store(out + at, scaled4(v128.load(matrix + at), shrinks, t, leak, whole, fraction));
        for (; at < end; at += 4)
          v128.store32_lane(out + at, scaled4(v128.load32_zero(matrix + at), shrinks, t, leak, whole, fraction), 0);
      }
    }
    pointers += 4;
  }
}

/** Its gradients: dMatrix, and that by t, which is returned. */
export function scaleBySizesGrad(
  dy: usize,
  matrix: usize,
  dMatrix: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  threshold: usize,
  leak: f32,
  whole: i32,
  fraction: f32,
): f64 {
  const shrinks = threshold != 0;
  const t: f32 = shrinks ? load<f32>(threshold) : 0;
  let sum = f64x2.splat(0);
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
        let by = f32x4.splat(0);
        for (; at + 16 <= end; at += 16) {
          const weight = v128.load(matrix + at);
          const flow = v128.load(dy + at);
          v128.store(dMatrix + at, f32x4.mul(flow, slope4(weight, shrinks, t, leak, whole, fraction)));
          by = f32x4.add(by, pull4(weight, flow, shrinks, t, leak));
        }
        for (; at < end; at += 4) {
          const weight = v128.load32_zero(matrix + at);
          const flow = v128.load32_zero(dy + at);
          v128.store32_lane(dMatrix + at, f32x4.mul(flow, slope4(weight, shrinks, t, leak, whole, fraction)), 0);
          by = f32x4.add(by, pull4(weight, flow, shrinks, t, leak));
        }
        sum = f64x2.add(sum, f64x2.promote_low_f32x4(by));
        const high = v128.shuffle<f32>(by, by, 2, 3, 2, 3);
        sum = f64x2.add(sum, f64x2.promote_low_f32x4(high));
      }
    }
    pointers += 4;
  }
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** sign(V) max(|V| - t, leak |V|), or V |V|^p. */
// @ts-ignore: decorator
@inline
function scaled4(weight: v128, shrinks: bool, t: f32, leak: f32, whole: i32, fraction: f32): v128 {
  const size = f32x4.abs(weight);
  if (!shrinks) return f32x4.mul(weight, power4(size, whole, fraction));
  const left = f32x4.max(f32x4.sub(size, f32x4.splat(t)), f32x4.mul(size, f32x4.splat(leak)));
  return v128.or(left, v128.and(weight, i32x4.splat(0x80000000)));
}

/** Its derivative by V. */
// @ts-ignore: decorator
@inline
function slope4(weight: v128, shrinks: bool, t: f32, leak: f32, whole: i32, fraction: f32): v128 {
  const size = f32x4.abs(weight);
  if (!shrinks) return f32x4.mul(f32x4.splat(<f32>(whole + 1) + fraction), power4(size, whole, fraction));
  return v128.bitselect(f32x4.splat(1), f32x4.splat(leak), passes4(size, t, leak));
}

/** That by t, times the flow: -sign(V), where the sign of zero is -1, as in the composition. */
// @ts-ignore: decorator
@inline
function pull4(weight: v128, flow: v128, shrinks: bool, t: f32, leak: f32): v128 {
  if (!shrinks) return f32x4.splat(0);
  const positive = f32x4.gt(weight, f32x4.splat(0));
  const against = v128.xor(flow, v128.and(positive, i32x4.splat(0x80000000)));
  return v128.and(against, passes4(f32x4.abs(weight), t, leak));
}

/** Where |V| - t is the larger. */
// @ts-ignore: decorator
@inline
function passes4(size: v128, t: f32, leak: f32): v128 {
  return f32x4.ge(f32x4.sub(size, f32x4.splat(t)), f32x4.mul(size, f32x4.splat(leak)));
}
