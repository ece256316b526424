/**
 * Penalties P on the norms `a_i = ‖u_i‖₂` of the groups, each with the proximal step in one group.
 *
 * The proximal operator of `u ↦ P(…, ‖u‖₂, …)` keeps u's direction, so only a length has to be found: the
 * `a ≥ 0` that minimises `½(a − z)² + t·P(…, a, …)`, globally, although P may be concave.
 */
import type { Curve } from './curves.js';

export interface GroupPenalty {
  readonly name: string;
  /** P of the groups' norms. */
  value(norms: readonly number[]): number;
  /** `argmin over a ≥ 0 of ½(a − length)² + weight·P(norms with norms[group] = a)`. */
  shrink(norms: readonly number[], group: number, length: number, weight: number): number;
}

/** `scale · Σ q(a_i)`. */
export function sumOf(curve: Curve, scale = 1): GroupPenalty {
  return {
    name: `${scale === 1 ? '' : `${Number(scale.toFixed(4))}·`}Σ ${curve.name}`,
    value: (norms) => scale * norms.reduce((sum, a) => sum + curve.value(a), 0),
    shrink: (_norms, _group, length, weight) => shrinkLength(length, scale * weight, curve),
  };
}

/**
 * `q⁻¹(Σ q(a_i))`, the penalty of Theorem 1.1.
 *
 * In one group, with `c` the sum over the others and `P(a) = q⁻¹(c + q(a))`: `P′ = q′(a)/q′(P)` and
 * `P″ = q″(a)/q′(P) − q″(P)·P′²/q′(P)`. For powers below 1, `P′ = (1 + c·a^(−p))^(1/p − 1)`, convex and infinite
 * at 0; for the logarithm P is the straight line `a·e^c + e^c − 1`.
 */
export function inverseOfSum(curve: Curve): GroupPenalty {
  return {
    name: `q⁻¹(Σ q), q = ${curve.name}`,
    value: (norms) => curve.inverse(norms.reduce((sum, a) => sum + curve.value(a), 0)),
    shrink(norms, group, length, weight) {
      const others = norms.reduce((sum, a, i) => (i === group ? sum : sum + curve.value(a)), 0);
      // q⁻¹(q(a)) = a: written out, because q′(0)/q′(0) need not be a number.
      if (others === 0) return Math.max(0, length - weight);
      const value = (a: number) => curve.inverse(others + curve.value(a));
      const slope = (a: number) => curve.slope(a) / curve.slope(value(a));
      const bend = (a: number) => {
        const whole = value(a);
        return (curve.bend(a) - curve.bend(whole) * slope(a) ** 2) / curve.slope(whole);
      };
      return shrinkLength(length, weight, { value, slope, bend });
    },
  };
}

/** The same penalty with some groups let off: they cost nothing and do not count. */
export function sparing(penalty: GroupPenalty, spared: readonly number[]): GroupPenalty {
  const penalised = (norms: readonly number[]) => norms.map((a, i) => (spared.includes(i) ? 0 : a));
  return {
    name: `${penalty.name} without the groups ${spared.join(', ')}`,
    value: (norms) => penalty.value(penalised(norms)),
    shrink: (norms, group, length, weight) =>
      spared.includes(group) ? length : penalty.shrink(penalised(norms), group, length, weight),
  };
}

/**
 * `argmin over a ≥ 0 of h(a) = ½(a − length)² + weight·value(a)`.
 *
 * If h′(0) < 0, h′ has a root between 0 and `length`, found by Newton's method inside a bracket; it is the only
 * one where h is convex, as it is for the softmax's q while weight < 10.5 (q″ ≥ −0.0949, at W = √3). If not, and
 * h′ is convex (powers), Newton's method from the right either comes down to the largest root, the only local
 * minimum besides 0, or finds that there is none; whichever of it and 0 is lower is the answer.
 */
function shrinkLength(
  length: number,
  weight: number,
  { value, slope, bend }: Pick<Curve, 'value' | 'slope' | 'bend'>,
): number {
  if (length === 0) return 0;
  const derivative = (a: number) => a - length + weight * slope(a);
  const curvature = (a: number) => 1 + weight * bend(a);
  if (derivative(0) < 0) return rootBetween(0, length, derivative, curvature);
  const root = largestRoot(length, derivative, curvature);
  const gain = (length ** 2 - (root - length) ** 2) / 2;
  return gain > weight * (value(root) - value(0)) ? root : 0;
}

type Scalar = (a: number) => number;

/** Of an f with f(low) < 0 ≤ f(high). */
function rootBetween(low: number, high: number, f: Scalar, slope: Scalar): number {
  let a = high;
  for (let step = 0; step < 200; step++) {
    const here = f(a);
    if (here === 0) return a;
    if (here < 0) low = a;
    else high = a;
    const newton = a - here / slope(a);
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (Math.abs(next - a) <= 2e-16 * a) return next;
    a = next;
  }
  return a;
}

/** Of a convex f, coming from a point to its right; 0 if there is none above 0. */
function largestRoot(right: number, f: Scalar, slope: Scalar): number {
  let a = right;
  for (let step = 0; step < 200; step++) {
    const here = f(a);
    if (here <= 0) return a;
    const steepness = slope(a);
    const next = a - here / steepness;
    if (!(steepness > 0 && next > 0)) return 0;
    if (a - next <= 2e-16 * a) return next;
    a = next;
  }
  return a;
}
