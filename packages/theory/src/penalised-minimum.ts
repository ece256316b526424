/**
 * The right sides: `min over u of L(u) + λ·P(‖u_1‖, …, ‖u_G‖)`, by proximal gradient steps, one group at a time.
 *
 * A step in group i minimises, exactly and globally, the bound `L(u) + ⟨∇L(u)_i, d⟩ + (c_i/2)‖d‖² + λP` with
 * c_i the group's curvature, so the objective never rises. For a convex, separable P this is the minimum; for
 * the others only the best of several starts is taken for one.
 */
import { groupNorms, norm } from './groups.js';
import { lowest, type Minimum } from './lbfgs.js';
import type { GroupPenalty } from './penalties.js';
import type { Problem } from './problems.js';

export function minimisePenalised(
  problem: Problem,
  penalty: GroupPenalty,
  lambda: number,
  starts: readonly Float64Array[],
): Minimum {
  // Loosely from everywhere, then closely from the best place.
  const found = starts.map((start) => descend(problem, penalty, lambda, start, 1e-6, 500));
  return descend(problem, penalty, lambda, lowest(found).point, 1e-14, 20_000);
}

function descend(
  problem: Problem,
  penalty: GroupPenalty,
  lambda: number,
  start: Float64Array,
  tolerance: number,
  maxSweeps: number,
): Minimum {
  const point = Float64Array.from(start);
  const norms = groupNorms(point, problem.groups);
  for (let sweep = 0; sweep < maxSweeps; sweep++) {
    let moved = 0;
    problem.groups.forEach(({ start, end }, i) => {
      const step = 1 / problem.curvature[i]!;
      const { gradient } = problem.evaluate(point);
      const target = point.slice(start, end).map((entry, j) => entry - step * gradient[start + j]!);
      const length = norm(target);
      norms[i] = penalty.shrink(norms, i, length, step * lambda);
      target.forEach((entry, j) => {
        const next = length === 0 ? 0 : (norms[i]! / length) * entry;
        moved = Math.max(moved, Math.abs(next - point[start + j]!));
        point[start + j] = next;
      });
    });
    if (moved <= tolerance) break;
  }
  return { point, value: problem.evaluate(point).value + lambda * penalty.value(norms) };
}
