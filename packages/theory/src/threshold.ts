/**
 * What group LASSO does around `τ = max_i ‖∇L(0)_i‖₂` (arXiv 2307.07405; arXiv 2402.17902 §2).
 *
 * 0 minimises `L(β) + λ Σ ‖β_i‖₂` iff `−∇L(0)` is a subgradient of the penalty there: `‖∇L(0)_i‖₂ ≤ λ` for all i.
 * Under τ only the largest gradient breaks this, and by continuity the other groups stay zero for a while.
 */
import { atMost, equal, type ClaimResult } from './claim.js';
import { absoluteValue } from './curves.js';
import { groupNorms, largest, norm, support } from './groups.js';
import { minimisePenalised } from './penalised-minimum.js';
import { sumOf } from './penalties.js';
import { tau, type Problem } from './problems.js';

const groupLasso = sumOf(absoluteValue);

/**
 * For λ = τ and above the minimiser is 0.
 *
 * @param start Where the search begins; better not at 0.
 */
export function checkZeroFromTauOn(problem: Problem, start: Float64Array): ClaimResult[] {
  return [1, 1.5].map((share) =>
    atMost({
      claim: 'For λ ≥ τ the group LASSO minimiser is 0',
      problem: `${problem.name}; λ = ${share.toFixed(2)} τ`,
      quantity: 'minimiser, norm',
      left: norm(minimisePenalised(problem, groupLasso, share * tau(problem), [start]).point),
      right: 0,
      tolerance: 1e-10,
    }),
  );
}

/** Just under τ the minimiser has one group, that of the largest gradient at 0. */
export function checkSupportUnderTau(problem: Problem, start: Float64Array): ClaimResult {
  const gradients = groupNorms(
    problem.evaluate(new Float64Array(problem.dimension)).gradient,
    problem.groups,
  );
  const [first, second] = gradients.toSorted((a, b) => b - a);
  // A tenth of the way from the largest to the second: with a well-conditioned L no other group stirs.
  const lambda = first! - (first! - second!) / 10;
  const { point } = minimisePenalised(problem, groupLasso, lambda, [start]);
  const found = support(point, problem.groups);
  return equal({
    claim: 'Just under τ group LASSO’s support is the group of the largest ‖∇L(0)_i‖₂',
    problem: `${problem.name}; λ = ${(lambda / first!).toFixed(3)} τ`,
    quantity: 'index of the only group',
    left: found.length === 1 ? found[0]! : NaN,
    right: largest(gradients),
    tolerance: 0,
  });
}

/**
 * A λ halfway between τ and the largest λ at which group LASSO has two groups: the hypothesis of Theorem 1.1,
 * at most one group, holds there with room on both sides.
 *
 * Where two gradients at 0 are equally large there is none, and the answer is τ, where the minimiser is 0.
 */
export function lambdaOfOneGroup(problem: Problem): number {
  const zero = new Float64Array(problem.dimension);
  const size = (lambda: number) =>
    support(minimisePenalised(problem, groupLasso, lambda, [zero]).point, problem.groups).length;
  let several = 0;
  let one = tau(problem);
  while (one - several > 1e-3 * tau(problem)) {
    const middle = (one + several) / 2;
    if (size(middle) > 1) several = middle;
    else one = middle;
  }
  return (one + tau(problem)) / 2;
}
