/**
 * The left sides: what is trained, the effective weights `u` made of it, and what decay on it costs. These
 * objectives are smooth and are minimised by L-BFGS, with no knowledge of the penalty they amount to.
 */
import { norm, type Group } from './groups.js';
import { lowest, minimise, type Evaluation, type Minimum, type SmoothFunction } from './lbfgs.js';
import type { Problem } from './problems.js';

export interface Parameterisation {
  readonly name: string;
  /** Trained values that make the effective weights u; for a group of zeros, zeros. */
  lift(u: Float64Array, groups: readonly Group[]): Float64Array;
  /** The effective weights. */
  effective(trained: Float64Array, groups: readonly Group[]): Float64Array;
  /** The gradient with respect to what is trained, from the one with respect to the effective weights. */
  pullBack(trained: Float64Array, groups: readonly Group[], gradient: Float64Array): Float64Array;
  /** The decay term, without its λ. */
  decay(trained: Float64Array): Evaluation;
}

/**
 * `min over the trained values of L(effective) + λ·decay`, the best of several starts; the point is given as
 * effective weights.
 *
 * From each start λ is raised in steps, and the search begins again where the last one ended. So it follows the
 * local minimum of its support for as long as there is one, where the first long step of a search at the full λ
 * would let groups fall to zero that the minimum keeps.
 */
export function minimiseTrained(
  problem: Problem,
  parameterisation: Parameterisation,
  lambda: number,
  starts: readonly Float64Array[],
): Minimum {
  const at = (share: number) => trainingObjective(problem, parameterisation, share * lambda);
  const found = starts.map((start) => {
    const approached = [1 / 27, 1 / 9, 1 / 3].reduce(
      (point, share) => minimise(at(share), point, { gradientTolerance: 1e-4 }).point,
      parameterisation.lift(start, problem.groups),
    );
    // Closely enough to rank it: a saddle, where a start's zero groups stay zero, may lie 1e-8 above the minimum.
    return minimise(at(1), approached, { gradientTolerance: 1e-8 });
  });
  const { point, value } = minimise(at(1), lowest(found).point);
  return { point: parameterisation.effective(point, problem.groups), value };
}

export function trainingObjective(
  { groups, evaluate }: Problem,
  parameterisation: Parameterisation,
  lambda: number,
): SmoothFunction {
  return (trained) => {
    const loss = evaluate(parameterisation.effective(trained, groups));
    const decay = parameterisation.decay(trained);
    const gradient = parameterisation.pullBack(trained, groups, loss.gradient);
    return {
      value: loss.value + lambda * decay.value,
      gradient: gradient.map((entry, j) => entry + lambda * decay.gradient[j]!),
    };
  };
}

/** `½(‖w‖² + ‖β‖²)` over `u_i = w_i β_i` (Hoff 2017). */
export const products = masked({
  name: 'w·β',
  mask: (w) => w,
  slope: () => 1,
  ofOne: 1,
  scale: 1 / 2,
});

/** `‖w‖² + ‖β‖²` over `u_i = e^(w_i) β_i` (Lemma 2.1). */
export const exponentialMasks = masked({
  name: 'e^w·β',
  mask: Math.exp,
  slope: Math.exp,
  ofOne: 0,
  scale: 1,
});

/**
 * `‖w‖₁ + ‖β‖²` over `u_i = w_i β_i` (Lemma 2.2), trained as `w = s²`. That loses nothing, since a mask's sign
 * can move to its β, and makes `|w| = s²` smooth.
 */
export const l1Masks = masked({
  name: 'w·β, ℓ1 on w',
  mask: (s) => s * s,
  slope: (s) => 2 * s,
  ofOne: 1,
  scale: 1,
});

/** `‖β‖²` over `u_i = ‖β_i‖₂ β_i` (Lemma 2.3). */
export const groupPowerpropagation: Parameterisation = {
  name: '‖β‖·β',
  lift: (u, groups) => perGroup(u, groups, (each, length) => each / Math.sqrt(length)),
  effective: (beta, groups) => perGroup(beta, groups, (each, length) => length * each),
  /** The Jacobian of a group is `‖β‖·I + ββᵀ/‖β‖`, symmetric. */
  pullBack(beta, groups, gradient) {
    const result = new Float64Array(beta.length);
    for (const { start, end } of groups) {
      const length = norm(beta, start, end);
      if (length === 0) continue;
      let along = 0;
      for (let j = start; j < end; j++) along += (gradient[j]! * beta[j]!) / length;
      for (let j = start; j < end; j++) result[j] = length * gradient[j]! + along * beta[j]!;
    }
    return result;
  },
  decay: (beta) => ({ value: norm(beta) ** 2, gradient: beta.map((each) => 2 * each) }),
};

interface Mask {
  readonly name: string;
  /** The mask of what is trained, s. */
  mask(s: number): number;
  slope(s: number): number;
  /** The s of mask 1. */
  readonly ofOne: number;
  /** The decay is `scale · (s² + ‖β‖²)`. */
  readonly scale: number;
}

/** One trained number s a group, then β: `u_i = mask(s_i) β_i`. */
function masked({ name, mask, slope, ofOne, scale }: Mask): Parameterisation {
  return {
    name,
    lift: (u, groups) =>
      Float64Array.from([...groups.map(({ start, end }) => (norm(u, start, end) > 0 ? ofOne : 0)), ...u]),
    effective(trained, groups) {
      const u = trained.slice(groups.length);
      groups.forEach(({ start, end }, i) => {
        const factor = mask(trained[i]!);
        for (let j = start; j < end; j++) u[j]! *= factor;
      });
      return u;
    },
    pullBack(trained, groups, gradient) {
      const result = new Float64Array(trained.length);
      groups.forEach(({ start, end }, i) => {
        const factor = mask(trained[i]!);
        let toMask = 0;
        for (let j = start; j < end; j++) {
          toMask += gradient[j]! * trained[groups.length + j]!;
          result[groups.length + j] = factor * gradient[j]!;
        }
        result[i] = slope(trained[i]!) * toMask;
      });
      return result;
    },
    decay: (trained) => ({
      value: scale * norm(trained) ** 2,
      gradient: trained.map((each) => 2 * scale * each),
    }),
  };
}

function perGroup(
  vector: Float64Array,
  groups: readonly Group[],
  map: (entry: number, length: number) => number,
): Float64Array {
  const result = new Float64Array(vector.length);
  for (const { start, end } of groups) {
    const length = norm(vector, start, end);
    if (length === 0) continue;
    for (let j = start; j < end; j++) result[j] = map(vector[j]!, length);
  }
  return result;
}
