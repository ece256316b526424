// What the updates share where many steps without a gradient are taken at once: the weights stay in registers from step to
// step.

/**
 * So many steps on end bring numbers back to what they were, or they do not. Where they do, as where weights or velocities
 * are 0 or have come to where rounding keeps them, so do as many more, under the same settings: all but the remainder of
 * the steps may be left out.
 */
export const BURST: i32 = 16;

/** The gradient of 0 with that of an L2 penalty: the sum, too, as −0 + 0 is 0. */
// @ts-ignore: decorator
@inline
export function decayOf(weight: v128, decay4: v128): v128 {
  return f32x4.add(f32x4.splat(0), f32x4.mul(decay4, weight));
}

/** Whether a bit of 16 numbers is another one than in memory. */
// @ts-ignore: decorator
@inline
export function moved4(before: usize, a: v128, b: v128, c: v128, d: v128): bool {
  const first = v128.or(v128.xor(a, v128.load(before)), v128.xor(b, v128.load(before, 16)));
  const second = v128.or(v128.xor(c, v128.load(before, 32)), v128.xor(d, v128.load(before, 48)));
  return v128.any_true(v128.or(first, second));
}
