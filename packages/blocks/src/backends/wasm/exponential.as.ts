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
