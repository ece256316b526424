/**
 * Sparsification curves: the share of the target sparsity that is reached after a share `t` of a phase, both
 * from 0 to 1. The sparsity itself is `s · curve(t)`.
 */
import { aFunction, assertArgument, numberIn } from '@espalier/blocks';

export type Curve = (t: number) => number;

export const aCurve = aFunction('a curve, a function of progress from 0 to 1: (t) => t');

/**
 * `(1 − e^(−ct)) / (1 − e^(−c))`: aggressive at first, careful near the end (arXiv 2402.17902 §3.2; c = 4 there).
 *
 * @throws RangeError unless c is finite and above 0.
 */
export function exponential(c = 4): Curve {
  assertArgument('exponential()', 'c', c, numberIn('(0, ∞)', "the sparsification curve's constant"));
  return (t) => (1 - Math.exp(-c * t)) / (1 - Math.exp(-c));
}

/** `1 − (1 − t)³`, the cubic of gradual magnitude pruning (Zhu & Gupta, arXiv 1710.01878 §3). */
export const cubic: Curve = (t) => 1 - (1 - t) ** 3;
