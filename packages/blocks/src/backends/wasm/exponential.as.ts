// exp and expm1 on four lanes, to about one unit in the last place (the polynomial is that of Cephes' expf).

/** exp(x). Below -87.3 the result is 0 or the smallest normal number, above 88.7 infinity; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const clamped = f32x4.min(f32x4.max(x, f32x4.splat(-87.33654)), f32x4.splat(88.72283));
  // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 is split in two so that r keeps its last bits.
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(1.44269504)));
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let poly = f32x4.splat(1.9875691500e-4);
  poly = f32x4.add(f32x4.mul(poly, r), f32x4.splat(1.3981999507e-3));
  poly = f32x4.add(f32x4.mul(poly, r), f32x4.splat(8.3334519073e-3));
  poly = f32x4.add(f32x4.mul(poly, r), f32x4.splat(4.1665795894e-2));
  poly = f32x4.add(f32x4.mul(poly, r), f32x4.splat(1.6666665459e-1));
  poly = f32x4.add(f32x4.mul(poly, r), f32x4.splat(5.0000001201e-1));
  poly = f32x4.add(f32x4.add(f32x4.mul(poly, f32x4.mul(r, r)), r), f32x4.splat(1));
  // 2^n in two factors, since n may be 128, beyond the exponents of a float.
  const exponent = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(exponent, 1);
  const bias = i32x4.splat(127);
  const scale0 = i32x4.shl(i32x4.add(half, bias), 23);
  const scale1 = i32x4.shl(i32x4.add(i32x4.sub(exponent, half), bias), 23);
  let result = f32x4.mul(f32x4.mul(poly, scale0), scale1);
  result = v128.bitselect(f32x4.splat(f32.MAX_VALUE * 2), result, f32x4.gt(x, f32x4.splat(88.72283)));
  result = v128.bitselect(f32x4.splat(0), result, f32x4.lt(x, f32x4.splat(-87.33654)));
  return v128.bitselect(x, result, f32x4.ne(x, x));
}

/** exp(x) - 1, without the cancellation near zero. */
// @ts-ignore: decorator
@inline
export function expm1of4(x: v128): v128 {
  // Taylor's series to x^7: relative error below 1e-7 for |x| < 0.5.
  let series = f32x4.splat(1.0 / 5040.0);
  series = f32x4.add(f32x4.mul(series, x), f32x4.splat(1.0 / 720.0));
  series = f32x4.add(f32x4.mul(series, x), f32x4.splat(1.0 / 120.0));
  series = f32x4.add(f32x4.mul(series, x), f32x4.splat(1.0 / 24.0));
  series = f32x4.add(f32x4.mul(series, x), f32x4.splat(1.0 / 6.0));
  series = f32x4.add(f32x4.mul(series, x), f32x4.splat(0.5));
  series = f32x4.add(f32x4.mul(f32x4.mul(series, x), x), x);
  const far = f32x4.sub(exp4(x), f32x4.splat(1));
  return v128.bitselect(series, far, f32x4.lt(f32x4.abs(x), f32x4.splat(0.5)));
}

/** The natural logarithm of positive normal numbers, to about one unit in the last place (Cephes' logf). */
// @ts-ignore: decorator
@inline
function log4(x: v128): v128 {
  // x = 2^e m with m from √½ to √2.
  const exponent = i32x4.sub(v128.and(i32x4.shr_u(x, 23), i32x4.splat(255)), i32x4.splat(126));
  const mantissa = v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const low = f32x4.lt(mantissa, f32x4.splat(0.70710678));
  const e = f32x4.add(f32x4.convert_i32x4_s(exponent), v128.and(low, f32x4.splat(-1)));
  const m = f32x4.sub(f32x4.add(mantissa, v128.and(low, mantissa)), f32x4.splat(1));
  const z = f32x4.mul(m, m);
  let y = f32x4.splat(7.0376836292e-2);
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(-1.1514610310e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(1.1676998740e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(-1.2420140846e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(1.4249322787e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(-1.6668057665e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(2.0000714765e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(-2.4999993993e-1));
  y = f32x4.add(f32x4.mul(y, m), f32x4.splat(3.3333331174e-1));
  y = f32x4.mul(y, f32x4.mul(m, z));
  y = f32x4.add(y, f32x4.mul(e, f32x4.splat(-2.12194440e-4)));
  y = f32x4.add(y, f32x4.mul(z, f32x4.splat(-0.5)));
  return f32x4.add(f32x4.add(m, y), f32x4.mul(e, f32x4.splat(0.693359375)));
}

/**
 * x ^ (whole + fraction), of numbers from 0 on: by products and a root where these do. `fraction` is from 0, under 1;
 * infinity stays infinity, NaN stays NaN.
 */
// @ts-ignore: decorator
@inline
export function power4(x: v128, whole: i32, fraction: f32): v128 {
  let power = fraction == 0 ? f32x4.splat(1) : root4(x, fraction);
  for (let i = 0; i < whole; i++) power = f32x4.mul(power, x);
  return power;
}

/** x ^ fraction. A function of its own, not inlined: it is long. */
function root4(x: v128, fraction: f32): v128 {
  if (fraction == 0.5) return f32x4.sqrt(x);
  const power = exp4(f32x4.mul(log4(x), f32x4.splat(fraction)));
  // Zero, infinity and NaN have no logarithm that log4 knows, and are their own powers.
  const usual = v128.and(f32x4.gt(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  return v128.bitselect(power, x, usual);
}
