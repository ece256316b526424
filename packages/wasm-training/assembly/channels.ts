// Matrices [rows, channels] gone through by runs of rows, four channels at a time.

/** Rows that are worked on at once; their sums are taken in single precision before they are added to totals in double. */
export const RUN: i32 = 64;

/** Adds sums of four channels to their totals. */
// @ts-ignore: decorator
@inline
export function addToTotals(totals: usize, sum: v128): void {
  v128.store(totals, f64x2.add(v128.load(totals), low(sum)));
  v128.store(totals, f64x2.add(v128.load(totals, 16), high(sum)), 16);
}

/**
 * Where the last run begins; below 0 where there are no rows. A second pass goes from there to the first: what the first pass
 * has read last is still in the cache, and what comes next begins with what this one has written last.
 */
// @ts-ignore: decorator
@inline
export function lastRun(rows: i32): i32 {
  return ((rows + RUN - 1) / RUN - 1) * RUN;
}

/** Four channels, or one and zeros. */
// @ts-ignore: decorator
@inline
export function channelsAt(at: usize, single: bool): v128 {
  return single ? v128.load32_zero(at) : v128.load(at);
}

/** The first two numbers of four, as doubles; the last two. */
// @ts-ignore: decorator
@inline
export function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
export function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3));
}
