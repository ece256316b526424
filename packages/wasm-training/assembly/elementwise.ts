// Arithmetic element by element: two operands with broadcasting, and what the backend does in several passes.

import { expm1of4 } from '@espalier/blocks/src/backends/wasm/exponential.as';

/** Numbers shared with src/binary.ts. */
export enum BinaryKind {
  Add = 0,
  Sub = 1,
  Multiply = 2,
  RealDiv = 3,
  SquaredDifference = 4,
  Maximum = 5,
  Minimum = 6,
}

/**
 * out[o, i] = a[o · aOuter + i · aInner] (op) b[o · bOuter + i · bInner] for out [outer, inner]; the inner steps are
 * 0 or 1.
 */
export function binary(
  kind: BinaryKind,
  a: usize,
  b: usize,
  out: usize,
  outer: i32,
  inner: i32,
  aOuter: i32,
  aInner: i32,
  bOuter: i32,
  bInner: i32,
): void {
  switch (kind) {
    case BinaryKind.Add:
      return binaryOf(BinaryKind.Add, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.Sub:
      return binaryOf(BinaryKind.Sub, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.Multiply:
      return binaryOf(BinaryKind.Multiply, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.RealDiv:
      return binaryOf(BinaryKind.RealDiv, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.SquaredDifference:
      return binaryOf(BinaryKind.SquaredDifference, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.Maximum:
      return binaryOf(BinaryKind.Maximum, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
    case BinaryKind.Minimum:
      return binaryOf(BinaryKind.Minimum, a, b, out, outer, inner, aOuter, aInner, bOuter, bInner);
  }
}

// @ts-ignore: decorator
@inline
function binaryOf(
  kind: BinaryKind,
  a: usize,
  b: usize,
  out: usize,
  outer: i32,
  inner: i32,
  aOuter: i32,
  aInner: i32,
  bOuter: i32,
  bInner: i32,
): void {
  const bytes = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    let at: usize = 0;
    if (aInner == 1 && bInner == 1) {
      for (; at + 16 <= bytes; at += 16) {
        v128.store(out + at, combine(kind, v128.load(a + at), v128.load(b + at)));
      }
    } else if (aInner == 1) {
      const y = v128.load32_splat(b);
      for (; at + 16 <= bytes; at += 16) v128.store(out + at, combine(kind, v128.load(a + at), y));
    } else {
      const x = v128.load32_splat(a);
      for (; at + 16 <= bytes; at += 16) v128.store(out + at, combine(kind, x, v128.load(b + at)));
    }
    for (; at < bytes; at += 4) {
      const x = v128.load32_zero(aInner == 1 ? a + at : a);
      const y = v128.load32_zero(bInner == 1 ? b + at : b);
      v128.store32_lane(out + at, combine(kind, x, y), 0);
    }
    a += <usize>aOuter << 2;
    b += <usize>bOuter << 2;
    out += bytes;
  }
}

// @ts-ignore: decorator
@inline
function combine(kind: BinaryKind, x: v128, y: v128): v128 {
  if (kind == BinaryKind.Add) return f32x4.add(x, y);
  if (kind == BinaryKind.Sub) return f32x4.sub(x, y);
  if (kind == BinaryKind.Multiply) return f32x4.mul(x, y);
  if (kind == BinaryKind.Maximum) return f32x4.max(x, y);
  if (kind == BinaryKind.Minimum) return f32x4.min(x, y);
  if (kind == BinaryKind.RealDiv) return f32x4.div(x, y);
  const difference = f32x4.sub(x, y);
  return f32x4.mul(difference, difference);
}

/** y = x where x > 0 or is no number, else 0. */
export function relu(x: usize, y: usize, size: i32): void {
  const zero = f32x4.splat(0);
  const end = <usize>size << 2;
  let at: usize = 0;
  // pmax gives its first operand unless that is less than the second.
  for (; at + 16 <= end; at += 16) v128.store(y + at, f32x4.pmax(v128.load(x + at), zero));
  for (; at < end; at += 4) v128.store32_lane(y + at, f32x4.pmax(v128.load32_zero(x + at), zero), 0);
}

/** dx = dy where x > 0, else 0. */
export function reluGrad(dy: usize, x: usize, dx: usize, size: i32): void {
  const zero = f32x4.splat(0);
  const end = <usize>size << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    v128.store(dx + at, v128.and(v128.load(dy + at), f32x4.gt(v128.load(x + at), zero)));
  }
  for (; at < end; at += 4) store<f32>(dx + at, load<f32>(x + at) > 0 ? load<f32>(dy + at) : 0);
}

/** y = tanh(x), as (e - 1) / (e + 1) with e = exp(2x). */
export function tanh(x: usize, y: usize, size: i32): void {
  const end = <usize>size << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) v128.store(y + at, tanh4(v128.load(x + at)));
  for (; at < end; at += 4) v128.store32_lane(y + at, tanh4(v128.load32_zero(x + at)), 0);
}

// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  // Beyond 9 the result is 1 to the last bit, and exp stays finite.
  const limit = f32x4.splat(9);
  const clamped = f32x4.max(f32x4.min(x, limit), f32x4.neg(limit));
  const less = expm1of4(f32x4.add(clamped, clamped));
  return f32x4.div(less, f32x4.add(less, f32x4.splat(2)));
}
