/**
 * Sparsification curves: the share of the target sparsity that is reached after a share `t` of a phase, both
 * from 0 to 1. The sparsity itself is `s · curve(t)`.
 */
export type Curve = (t: number) => number;

/**
 * `(1 − e^(−ct)) / (1 − e^(−c))`: aggressive at first, careful near the end (arXiv 2402.17902 §3.2; c = 4 there).
 *
 * @throws RangeError unless c is finite and above 0.
 */
export function exponential(c = 4): Curve {
  if (!(c > 0 && Number.isFinite(c))) {
    throw new RangeError(`The sparsification curve's constant c = ${c} is not a finite number above 0`);
  }
  return (t) => (1 - Math.exp(-c * t)) / (1 - Math.exp(-c));
}

/** `1 − (1 − t)³`, the cubic of gradual magnitude pruning (Zhu & Gupta, arXiv 1710.01878 §3). */
export const cubic: Curve = (t) => 1 - (1 - t) ** 3;
