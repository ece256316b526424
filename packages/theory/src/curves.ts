/**
 * The functions q of a group's norm, from which the penalties are built. Each has q(0) = 0 and increases.
 *
 * All but `unnormalisedSoftmax` are concave, hence subadditive, as Theorem 1.1 asks.
 */
import { lambertW } from './lambert-w.js';

export interface Curve {
  readonly name: string;
  /** q(a), a ≥ 0. */
  value(a: number): number;
  /** q′(a); may be infinite at 0. */
  slope(a: number): number;
  /** q″(a). */
  bend(a: number): number;
  /** q⁻¹(s), s ≥ 0. */
  inverse(s: number): number;
}

/** q(a) = a. */
export const absoluteValue: Curve = {
  name: 'a',
  value: (a) => a,
  slope: () => 1,
  bend: () => 0,
  inverse: (s) => s,
};

/**
 * q(a) = a^p. Subadditive for 0 < p ≤ 1; a larger p is allowed, and is how the tests break Theorem 1.1.
 *
 * @throws RangeError unless p is finite and above 0.
 */
export function power(p: number): Curve {
  if (!(p > 0 && Number.isFinite(p)))
    throw new RangeError(`The power p = ${p} is not a finite number above 0`);
  return {
    name: `a^${Number(p.toFixed(3))}`,
    value: (a) => a ** p,
    slope: (a) => p * a ** (p - 1),
    bend: (a) => p * (p - 1) * a ** (p - 2),
    inverse: (s) => s ** (1 / p),
  };
}

/** q(a) = log(1 + a). */
export const logarithm: Curve = {
  name: 'log(1 + a)',
  value: Math.log1p,
  slope: (a) => 1 / (1 + a),
  bend: (a) => -1 / (1 + a) ** 2,
  inverse: Math.expm1,
};

/**
 * `q(a) = W²/4 + W/2` with `W = W(2a²)`: what training `e^w·β` with decay on both costs (Lemma 2.1).
 *
 * `min over w of w² + a²e^(−2w)` is where `w = a²e^(−2w)`, that is `2w·e^(2w) = 2a²`, so `w = W/2`, and there
 * `a²e^(−2w) = w`: the value is `w² + w`. By the envelope theorem `q′ = 2a·e^(−2w) = W/a`, and from
 * `W′(x) = W/(x(1 + W))`, `q″ = (W/a²)·(1 − W)/(1 + W)`.
 *
 * So q is convex while W < 1 (a < √(e/2) ≈ 1.166) and behaves like a² near 0: it is NOT subadditive there
 * (q(2a) ≈ 4q(a)), and Theorem 1.1 does not apply to it. Its inverse: `W = √(1 + 4s) − 1`, `a² = W·e^W/2`.
 */
export const unnormalisedSoftmax: Curve = {
  name: 'W(2a²)²/4 + W(2a²)/2',
  value(a) {
    const w = lambertW(2 * a * a);
    return (w * w) / 4 + w / 2;
  },
  slope: (a) => (a === 0 ? 0 : lambertW(2 * a * a) / a),
  bend(a) {
    if (a === 0) return 2;
    const w = lambertW(2 * a * a);
    return ((w / (a * a)) * (1 - w)) / (1 + w);
  },
  inverse(s) {
    const w = Math.sqrt(1 + 4 * s) - 1;
    return Math.sqrt((w * Math.exp(w)) / 2);
  },
};
