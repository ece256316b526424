// The register tiles of winograd.ts, 6 or 4 rows by 8 columns as those of tiles.ts, which read operands where they lie: the
// matrices of a position are small and in the cache, and to copy them into panels would cost as much as it saves.

import { HIGH, LOW, NR, madd, multiplyTile } from './tiles';

/** C = A · B, of rows of A `stepA` bytes apart and a panel of B; `depth` is a multiple of 4. */
export function multiplyRowsHigh(a: usize, stepA: usize, b: usize, c: usize, stepC: usize, depth: i32): void {
  multiplyRows(HIGH, a, stepA, b, c, stepC, depth);
}

export function multiplyRowsLow(a: usize, stepA: usize, b: usize, c: usize, stepC: usize, depth: i32): void {
  multiplyRows(LOW, a, stepA, b, c, stepC, depth);
}

/** C (+)= Aᵀ · B, of rows of A and of B `stepA` and `stepB` bytes apart, those of C as far as those of B. */
export function multiplyTransposedHigh(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  depth: i32,
  accumulate: bool,
): void {
  multiplyTile(HIGH, a, stepA, b, stepB, c, stepB, depth, accumulate);
}

export function multiplyTransposedLow(
  a: usize,
  stepA: usize,
  b: usize,
  stepB: usize,
  c: usize,
  depth: i32,
  accumulate: bool,
): void {
  multiplyTile(LOW, a, stepA, b, stepB, c, stepB, depth, accumulate);
}

// @ts-ignore: decorator
@inline
function multiplyRows(height: i32, a: usize, stepA: usize, b: usize, c: usize, stepC: usize, depth: i32): void {
  let a1 = a + stepA;
  let a2 = a1 + stepA;
  let a3 = a2 + stepA;
  let a4 = a3 + stepA;
  let a5 = a4 + stepA;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let s40 = s00;
  let s41 = s00;
  let s50 = s00;
  let s51 = s00;
  const end = a + (<usize>depth << 2);
  while (a < end) {
    let b0 = v128.load(b);
    let b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = madd(s00, x, b0);
    s01 = madd(s01, x, b1);
    x = v128.load32_splat(a1);
    s10 = madd(s10, x, b0);
    s11 = madd(s11, x, b1);
    x = v128.load32_splat(a2);
    s20 = madd(s20, x, b0);
    s21 = madd(s21, x, b1);
    x = v128.load32_splat(a3);
    s30 = madd(s30, x, b0);
    s31 = madd(s31, x, b1);
    if (height == HIGH) {
      x = v128.load32_splat(a4);
      s40 = madd(s40, x, b0);
      s41 = madd(s41, x, b1);
      x = v128.load32_splat(a5);
      s50 = madd(s50, x, b0);
      s51 = madd(s51, x, b1);
    }
    b0 = v128.load(b, 32);
    b1 = v128.load(b, 48);
    x = v128.load32_splat(a, 4);
    s00 = madd(s00, x, b0);
    s01 = madd(s01, x, b1);
    x = v128.load32_splat(a1, 4);
    s10 = madd(s10, x, b0);
    s11 = madd(s11, x, b1);
    x = v128.load32_splat(a2, 4);
    s20 = madd(s20, x, b0);
    s21 = madd(s21, x, b1);
    x = v128.load32_splat(a3, 4);
    s30 = madd(s30, x, b0);
    s31 = madd(s31, x, b1);
    if (height == HIGH) {
      x = v128.load32_splat(a4, 4);
      s40 = madd(s40, x, b0);
      s41 = madd(s41, x, b1);
      x = v128.load32_splat(a5, 4);
      s50 = madd(s50, x, b0);
      s51 = madd(s51, x, b1);
    }
    b0 = v128.load(b, 64);
    b1 = v128.load(b, 80);
    x = v128.load32_splat(a, 8);
    s00 = madd(s00, x, b0);
    s01 = madd(s01, x, b1);
    x = v128.load32_splat(a1, 8);
    s10 = madd(s10, x, b0);
    s11 = madd(s11, x, b1);
    x = v128.load32_splat(a2, 8);
    s20 = madd(s20, x, b0);
    s21 = madd(s21, x, b1);
    x = v128.load32_splat(a3, 8);
    s30 = madd(s30, x, b0);
    s31 = madd(s31, x, b1);
    if (height == HIGH) {
      x = v128.load32_splat(a4, 8);
      s40 = madd(s40, x, b0);
      s41 = madd(s41, x, b1);
      x = v128.load32_splat(a5, 8);
      s50 = madd(s50, x, b0);
      s51 = madd(s51, x, b1);
    }
    b0 = v128.load(b, 96);
    b1 = v128.load(b, 112);
    x = v128.load32_splat(a, 12);
    s00 = madd(s00, x, b0);
    s01 = madd(s01, x, b1);
    x = v128.load32_splat(a1, 12);
    s10 = madd(s10, x, b0);
    s11 = madd(s11, x, b1);
    x = v128.load32_splat(a2, 12);
    s20 = madd(s20, x, b0);
    s21 = madd(s21, x, b1);
    x = v128.load32_splat(a3, 12);
    s30 = madd(s30, x, b0);
    s31 = madd(s31, x, b1);
    if (height == HIGH) {
      x = v128.load32_splat(a4, 12);
      s40 = madd(s40, x, b0);
      s41 = madd(s41, x, b1);
      x = v128.load32_splat(a5, 12);
      s50 = madd(s50, x, b0);
      s51 = madd(s51, x, b1);
    }
    a += 16;
    a1 += 16;
    a2 += 16;
    a3 += 16;
    if (height == HIGH) {
      a4 += 16;
      a5 += 16;
    }
    b += <usize>NR << 4;
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  c += stepC;
  v128.store(c, s10);
  v128.store(c, s11, 16);
  c += stepC;
  v128.store(c, s20);
  v128.store(c, s21, 16);
  c += stepC;
  v128.store(c, s30);
  v128.store(c, s31, 16);
  if (height == HIGH) {
    c += stepC;
    v128.store(c, s40);
    v128.store(c, s41, 16);
    c += stepC;
    v128.store(c, s50);
    v128.store(c, s51, 16);
  }
}
