/**
 * Theorem 1.1 of arXiv 2402.17902: for q strictly increasing and subadditive with q(0) = 0, if group LASSO has a
 * unique minimiser with at most one non-zero group, that is also the unique minimiser of
 * `L(β) + λ q⁻¹(Σ q(‖β_i‖₂))`.
 *
 * Why: `q(Σ a_i) ≤ Σ q(a_i)`, so `q⁻¹(Σ q(a_i)) ≥ Σ a_i`, with equality where at most one a_i is not 0. The
 * objective is nowhere below group LASSO's, and equals it at group LASSO's minimiser.
 */
import { atMost, equal, type ClaimResult } from './claim.js';
import { absoluteValue, logarithm, power, type Curve } from './curves.js';
import { norm } from './groups.js';
import { minimisePenalised } from './penalised-minimum.js';
import { inverseOfSum, sumOf } from './penalties.js';
import { tau, type Problem } from './problems.js';

export const subadditiveCurves: readonly Curve[] = [
  absoluteValue,
  power(0.3),
  power(0.5),
  power(0.8),
  logarithm,
];

/** What the theorem asks of q, on a grid of a and b from 1e-6 to 1e6. */
export function checkSubadditive(q: Curve): ClaimResult {
  const grid = Array.from({ length: 121 }, (_, i) => 10 ** ((i - 60) / 10));
  const increases = grid.every((a, i) => q.value(grid[i - 1] ?? 0) < q.value(a));
  const ratios = grid.flatMap((a) => grid.map((b) => q.value(a + b) / (q.value(a) + q.value(b))));
  return atMost({
    claim: 'Theorem 1.1 asks: q(0) = 0, q increases and is subadditive',
    problem: `q = ${q.name}; a, b from 1e-6 to 1e6`,
    quantity: 'largest q(a + b) / (q(a) + q(b))',
    left: q.value(0) === 0 && increases ? Math.max(...ratios) : NaN,
    right: 1,
    tolerance: 1e-14,
  });
}

/**
 * Minimises both problems and compares where that ends.
 *
 * @param lambda One at which group LASSO has at most one group, as the theorem asks; else the minimisers differ.
 */
export function checkSameMinimiser(
  q: Curve,
  problem: Problem,
  lambda: number,
  starts: readonly Float64Array[],
): ClaimResult {
  const left = minimisePenalised(problem, sumOf(absoluteValue), lambda, starts).point;
  const right = minimisePenalised(problem, inverseOfSum(q), lambda, starts).point;
  return equal(
    {
      claim: `Theorem 1.1: q⁻¹(Σ q), q = ${q.name}, has group LASSO’s minimiser`,
      problem: `${problem.name}; λ = ${(lambda / tau(problem)).toFixed(2)} τ`,
      quantity: 'minimiser, norm',
      left: norm(left),
      right: norm(right),
      tolerance: 1e-8,
    },
    norm(left.map((entry, j) => entry - right[j]!)),
  );
}
