/**
 * The combinatorial half of arXiv 2402.17902: repeated group LASSO is group OMP, and Theorem B.3 for OMPR.
 *
 * Theorem B.3, why: let S be the support (k′ groups), S* that of β* (k groups), m = |S* \ S| ≤ k,
 * Δ = L(β) − L(β*), g the largest ‖∇L(β)_i‖ outside S, b the smallest ‖β_j‖ inside. ∇L(β) is 0 on S, so
 * restricted strong convexity gives `Δ ≤ m·g²/2μ − (μ/2)(k′ − k + m)b²`. A swap, by smoothness on two groups,
 * gains at least `g²/2L₂ − (L₂/2)b² ≥ Δ·μ/(m·L₂) + (b²/2L₂)(μ²(k′ − k + m)/m − L₂²)`. The last term is not negative if
 * `k′ ≥ k·L₂²/μ²`; the theorem asks for a k more. So Δ shrinks by `1 − μ/(k·L₂)` a round, and
 * `R ≥ k(L₂/μ)·log(Δ₀/ε)` rounds make it at most ε.
 */
import { atMost, equal, type ClaimResult } from './claim.js';
import { absoluteValue } from './curves.js';
import {
  bestSubset,
  byGradient,
  byPenalty,
  matchingPursuitWithReplacement,
  restrictedConstants,
  selectInRounds,
  worstGroups,
} from './matching-pursuit.js';
import { sumOf } from './penalties.js';
import type { LeastSquares, Problem } from './problems.js';

/** Select-and-re-optimise by group LASSO and OMP choose the same groups in the same order. */
export function checkOmp(problem: Problem, rounds = 3): ClaimResult {
  const byLasso = selectInRounds(problem, rounds, byPenalty(sumOf(absoluteValue)));
  const byOmp = selectInRounds(problem, rounds, byGradient);
  const result = equal({
    claim: 'Group LASSO, select and re-optimise, is group OMP',
    problem: `${problem.name}; OMP’s groups, in order: ${byOmp.groups.join(', ')}`,
    quantity: `loss after ${rounds} rounds`,
    left: byLasso.value,
    right: byOmp.value,
    tolerance: 1e-10,
  });
  const sameGroups = byOmp.groups.every((group, round) => group === byLasso.groups[round]);
  return { ...result, holds: result.holds && sameGroups };
}

/** The bound of Theorem B.3, and the contraction in every round that proves it; from the worst support. */
export function checkOmpr(problem: LeastSquares, k: number): ClaimResult[] {
  const { kept, smoothness, convexity } = restrictedConstants(problem, k);
  const best = bestSubset(problem, k).value;
  const start = worstGroups(problem, kept);
  const excess = matchingPursuitWithReplacement(problem, start, 0)[0]! - best;
  const epsilon = 1e-3 * excess;
  const rounds = Math.ceil(k * (smoothness / convexity) * Math.log(excess / epsilon));
  const gaps = matchingPursuitWithReplacement(problem, start, rounds).map((loss) => loss - best);
  const contractions = gaps.slice(1).flatMap((gap, round) => (gaps[round]! > 0 ? [gap / gaps[round]!] : []));
  const name = `${problem.name}; k = ${k}, k′ = ${kept}, R = ${rounds}, L₂ = ${smoothness.toFixed(3)}, μ = ${convexity.toFixed(3)}`;
  return [
    atMost({
      claim: 'Theorem B.3: OMPR reaches L(β*) + ε in R rounds',
      problem: name,
      quantity: 'loss after R rounds',
      left: gaps.at(-1)! + best,
      right: best + epsilon,
      tolerance: 0,
    }),
    atMost({
      claim: 'Theorem B.3: the excess shrinks by 1 − μ/(k·L₂) a round',
      problem: name,
      quantity: 'largest ratio of one round',
      left: Math.max(0, ...contractions),
      right: 1 - convexity / (k * smoothness),
      tolerance: 1e-12,
    }),
  ];
}
