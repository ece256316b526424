/**
 * Hoff's product and Lemmas 2.1 to 2.3 of arXiv 2402.17902: decay on a parameterisation is a penalty on the
 * norms of the effective weights. Each side is minimised by itself and the two minima are compared.
 *
 * In all four, L depends on u alone, so it remains to minimise the decay over everything that makes a given u,
 * group by group; with `a = ‖u_i‖₂`:
 * - products: `½(w² + a²/w²)` is least at `w² = a`, and is `a` there;
 * - Lemma 2.1: see `unnormalisedSoftmax` in curves.ts;
 * - Lemma 2.2: `w + a²/w²` is least at `w³ = 2a²`, where `a²/w² = w/2`: `(3/2)·(2a²)^(1/3) = (3/2)·2^(1/3)·a^(2/3)`;
 * - Lemma 2.3: `u = ‖β‖β` has `‖u‖ = ‖β‖²`, so the decay is `a`.
 */
import { equal, type ClaimResult } from './claim.js';
import { absoluteValue, power, unnormalisedSoftmax } from './curves.js';
import { support } from './groups.js';
import {
  exponentialMasks,
  groupPowerpropagation,
  l1Masks,
  minimiseTrained,
  products,
  type Parameterisation,
} from './parameterisations.js';
import { minimisePenalised } from './penalised-minimum.js';
import { sumOf, type GroupPenalty } from './penalties.js';
import { tau, type Problem } from './problems.js';

export interface Identity {
  readonly claim: string;
  /** `min L(effective weights) + λ·decay` … */
  readonly parameterisation: Parameterisation;
  /** … `= min L(u) + λ·penalty`. */
  readonly penalty: GroupPenalty;
}

export const identities: readonly Identity[] = [
  {
    claim: 'Hoff: decay on products w·β is group LASSO',
    parameterisation: products,
    penalty: sumOf(absoluteValue),
  },
  {
    claim: 'Lemma 2.1: decay on unnormalised softmax e^w·β is Σ q, q by Lambert’s W',
    parameterisation: exponentialMasks,
    penalty: sumOf(unnormalisedSoftmax),
  },
  {
    claim: 'Lemma 2.2: ℓ1 masks are a group ℓ_{2/3} penalty times (3/2)·2^{1/3}',
    parameterisation: l1Masks,
    penalty: sumOf(power(2 / 3), (3 / 2) * 2 ** (1 / 3)),
  },
  {
    claim: 'Lemma 2.3: decay on group Powerpropagation ‖β‖·β is group LASSO',
    parameterisation: groupPowerpropagation,
    penalty: sumOf(absoluteValue),
  },
];

/**
 * @param share λ as a share of τ; well below 1, or both sides are at 0.
 * @param starts Where both searches begin, as effective weights. The penalties may be concave; `starts.ts` makes
 *   one start for each support, and some at random.
 */
export function checkIdentity(
  { claim, parameterisation, penalty }: Identity,
  problem: Problem,
  share: number,
  starts: readonly Float64Array[],
): ClaimResult {
  const lambda = share * tau(problem);
  const left = minimiseTrained(problem, parameterisation, lambda, starts);
  const right = minimisePenalised(problem, penalty, lambda, starts);
  const active = support(right.point, problem.groups).length;
  return equal({
    claim,
    problem: `${problem.name}; λ = ${share.toFixed(2)} τ, ${active} of ${problem.groups.length} groups not 0`,
    quantity: 'minimum',
    left: left.value,
    right: right.value,
    tolerance: 1e-10,
  });
}
