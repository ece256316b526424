/**
 * The Lambert function on x ≥ 0: the W with `W·e^W = x`.
 *
 * Halley's method from a start within some per cent of the root; four steps reach float64.
 *
 * @throws RangeError for x below 0, infinite or NaN (the branches below 0 are not needed here).
 */
export function lambertW(x: number): number {
  if (!(x >= 0 && Number.isFinite(x))) {
    throw new RangeError(`Lambert W is asked at ${x}; it is implemented for finite x ≥ 0`);
  }
  if (x === 0) return 0;
  const log = Math.log1p(x);
  let w = log * (1 - Math.log1p(log) / (2 + log));
  for (let step = 0; step < 20; step++) {
    // f = w − x·e^(−w), which does not overflow; f′ = 1 + x·e^(−w), f″ = −x·e^(−w).
    const remainder = x * Math.exp(-w);
    const f = w - remainder;
    const slope = 1 + remainder;
    const change = f / (slope + (f * remainder) / (2 * slope));
    w -= change;
    if (Math.abs(change) <= 1e-16 * w) break;
  }
  return w;
}
