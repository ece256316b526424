// What the updates share where many steps without a gradient are taken at once, a piece of the weights after the other: all
// steps of a piece, which stays in the first-level cache from step to step.

/** A piece has so many bytes at most. */
export const PIECE_BYTES: usize = 4096;

/**
 * So many steps on end bring numbers back to what they were, or they do not. Where they do, as where weights or velocities
 * are 0 or have come to where rounding keeps them, so do as many more, under the same settings: all but the remainder of
 * the steps may be left out.
 */
export const BURST: i32 = 16;

/** Whether no bit of two pieces differs. */
export function areSame(a: usize, b: usize, bytes: usize): bool {
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false;
  }
  for (; at < bytes; at += 4) if (load<u32>(a + at) != load<u32>(b + at)) return false;
  return true;
}
