// What follows a product: bias and activation, in one pass over the columns of C.

import { ActivationKind, activate } from './activation';
import { element } from './panels';

/** Adds the bias to columns j to j + columns - 1 of C and applies the activation, in place. */
export function finishColumns(
  c: usize,
  n: i32,
  m: i32,
  j: i32,
  columns: i32,
  bias: usize,
  activation: ActivationKind,
  slopes: usize,
  slope: f32,
): void {
  const zero = f32x4.splat(0);
  let slopeVector = f32x4.splat(slope);
  for (let i = 0; i < m; i++) {
    let q = 0;
    for (; q + 4 <= columns; q += 4) {
      const at = element(c, n, i, j + q);
      const offset = <usize>(j + q) << 2;
      const shift = bias != 0 ? v128.load(bias + offset) : zero;
      if (slopes != 0) slopeVector = v128.load(slopes + offset);
      v128.store(at, activate(f32x4.add(v128.load(at), shift), activation, slopeVector));
    }
    for (; q < columns; q++) {
      const at = element(c, n, i, j + q);
      const offset = <usize>(j + q) << 2;
      const shift = bias != 0 ? v128.load32_zero(bias + offset) : zero;
      if (slopes != 0) slopeVector = v128.load32_zero(slopes + offset);
      v128.store32_lane(at, activate(f32x4.add(v128.load32_zero(at), shift), activation, slopeVector), 0);
    }
  }
}
