/**
 * Choosing groups one after the other: orthogonal matching pursuit (OMP), the same by group LASSO, and OMP with
 * replacement (OMPR). Axiotis & Yasuda 2023, arXiv 2307.07405; arXiv 2402.17902, Appendix B.
 */
import { groupNorms, largest, subsets, support } from './groups.js';
import { lowest, type Minimum } from './lbfgs.js';
import { minimisePenalised } from './penalised-minimum.js';
import { sparing, type GroupPenalty } from './penalties.js';
import { minimiseOver, principalEigenvalues, type LeastSquares, type Problem } from './problems.js';

export interface Selection extends Minimum {
  /** In the order in which they were chosen. */
  readonly groups: readonly number[];
}

/** How the next group is found, from those selected and the minimiser over them. */
export type Selector = (problem: Problem, selected: readonly number[], beta: Float64Array) => number;

/** Select a group, re-optimise over all that are selected, and again. */
export function selectInRounds(problem: Problem, rounds: number, select: Selector): Selection {
  let groups: readonly number[] = [];
  let { point, value } = minimiseOver(problem, groups);
  for (let round = 0; round < rounds; round++) {
    groups = [...groups, select(problem, groups, point)];
    ({ point, value } = minimiseOver(problem, groups, point));
  }
  return { groups, point, value };
}

/** OMP's choice: the group of the largest gradient. */
export const byGradient: Selector = (problem, selected, beta) =>
  largest(gradientNorms(problem, beta).map((length, i) => (selected.includes(i) ? -Infinity : length)));

/**
 * The choice of a penalty on all groups that are not yet selected: the one group that is not zero in the
 * minimiser when λ is just small enough for one. It is looked for by minimising alone; no gradient is compared.
 */
export function byPenalty(penalty: GroupPenalty): Selector {
  return (problem, selected, beta) => {
    const entering = (lambda: number) => {
      const { point } = minimisePenalised(problem, sparing(penalty, selected), lambda, [beta]);
      return support(point, problem.groups).filter((i) => !selected.includes(i));
    };
    let high = 1;
    while (entering(high).length > 0) high *= 2;
    let low = 0;
    for (let halving = 0; halving < 60; halving++) {
      const middle = (low + high) / 2;
      const entered = entering(middle);
      if (entered.length === 1) return entered[0]!;
      if (entered.length === 0) high = middle;
      else low = middle;
    }
    throw new Error('Two groups enter at the same λ: the largest gradient is not unique');
  };
}

/** The minimum over all supports of k groups, by trying them all: β* of Theorem B.3. */
export function bestSubset(problem: Problem, k: number): Minimum {
  return lowest(subsets(problem.groups.length, k).map((members) => minimiseOver(problem, members)));
}

/**
 * OMPR: in every round the group outside with the largest gradient takes the place of the group inside with
 * the smallest weights, and the support is optimised anew. Returns the loss at the start and after each round.
 *
 * A round that would not lower the loss is not taken, and is the last.
 */
export function matchingPursuitWithReplacement(
  problem: Problem,
  start: readonly number[],
  rounds: number,
): number[] {
  let inside = start;
  let { point, value } = minimiseOver(problem, inside);
  const losses = [value];
  for (let round = 0; round < rounds; round++) {
    const entering = byGradient(problem, inside, point);
    const sizes = groupNorms(point, problem.groups);
    const leaving = inside.reduce((least, i) => (sizes[i]! < sizes[least]! ? i : least));
    const swapped = [...inside.filter((i) => i !== leaving), entering];
    const next = minimiseOver(problem, swapped, point);
    if (!(next.value < value)) break;
    inside = swapped;
    ({ point, value } = next);
    losses.push(value);
  }
  return losses;
}

/** The groups of the `count` smallest gradients at 0: the least promising support to start from. */
export function worstGroups(problem: Problem, count: number): number[] {
  const lengths = gradientNorms(problem, new Float64Array(problem.dimension));
  return lengths
    .map((_, i) => i)
    .sort((i, j) => lengths[i]! - lengths[j]!)
    .slice(0, count);
}

/** The constants of Theorem B.3, exact: every support of the size in question is looked at. */
export interface RestrictedConstants {
  /** k′, the smallest that satisfies `k′ ≥ k(L₂²/μ² + 1)`. */
  readonly kept: number;
  /** L₂: the largest eigenvalue of ∇²L on any two groups, which is what a swap moves. */
  readonly smoothness: number;
  /** μ: the smallest eigenvalue of ∇²L on any k + k′ groups. */
  readonly convexity: number;
}

/** @throws RangeError if no k′ with k + k′ ≤ G is large enough: the Hessian is too ill-conditioned. */
export function restrictedConstants(
  { groups, hessian, dimension }: LeastSquares,
  k: number,
): RestrictedConstants {
  const eigenvalues = (size: number) =>
    subsets(groups.length, size).map((members) =>
      principalEigenvalues(
        hessian,
        dimension,
        members.map((i) => groups[i]!),
      ),
    );
  const smoothness = Math.max(...eigenvalues(2).map((each) => each.at(-1)!));
  for (let kept = 2 * k; k + kept <= groups.length; kept++) {
    const convexity = Math.min(...eigenvalues(k + kept).map((each) => each[0]!));
    if (kept >= k * ((smoothness / convexity) ** 2 + 1)) return { kept, smoothness, convexity };
  }
  throw new RangeError(`No k′ up to ${groups.length - k} satisfies k′ ≥ k(L₂²/μ² + 1) for k = ${k}`);
}

function gradientNorms(problem: Problem, beta: Float64Array): number[] {
  return groupNorms(problem.evaluate(beta).gradient, problem.groups);
}
