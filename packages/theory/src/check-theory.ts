import type { ClaimResult } from './claim.js';
import { checkIdentity, identities } from './identities.js';
import { checkSameMinimiser, checkSubadditive, subadditiveCurves } from './one-group.js';
import { randomLeastSquares, randomMultinomial, type Problem } from './problems.js';
import { seededRandom, type Random } from './random.js';
import { checkOmp, checkOmpr } from './selection.js';
import { startsOnEverySupport } from './starts.js';
import { checkSupportUnderTau, checkZeroFromTauOn, lambdaOfOneGroup } from './threshold.js';

export interface TheoryOptions {
  /** What the problems are drawn from; a whole number. */
  readonly seed?: number;
  /** How many problems of each kind: least squares, multinomial logistic regression, and those for OMPR. */
  readonly problems?: number;
  /** Called with each result as soon as it is known. */
  readonly onClaim?: (result: ClaimResult) => void;
}

/**
 * Checks Lemmas 2.1 to 2.3, Theorem 1.1 and the OMP and OMPR claims of arXiv 2402.17902 on random convex problems.
 *
 * @returns One row for each claim and problem; a claim that fails is a row whose `holds` is false, not an error.
 * @throws RangeError unless the seed is a whole number and there is at least one problem.
 */
export function checkTheory({ seed = 0, problems = 2, onClaim }: TheoryOptions = {}): ClaimResult[] {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed ${seed} is not a whole number`);
  if (!(Number.isSafeInteger(problems) && problems >= 1)) {
    throw new RangeError(
      `The number of problems of each kind is ${problems}; it must be a whole number, 1 or more`,
    );
  }
  const results: ClaimResult[] = [];
  for (const result of claims(seed, problems)) {
    results.push(result);
    onClaim?.(result);
  }
  return results;
}

function* claims(seed: number, problems: number): Generator<ClaimResult> {
  const random = seededRandom(seed);
  for (const q of subadditiveCurves) yield checkSubadditive(q);
  for (let number = 1; number <= problems; number++) {
    const sizes = unequalSizes(5, 4, random);
    yield* claimsOf(randomLeastSquares(`least squares ${number}`, sizes, 60, random), random);
    const features = unequalSizes(5, 3, random);
    yield* claimsOf(randomMultinomial(`multinomial ${number}`, features, 3, 90, random), random);
    // Many rows of independent features: Theorem B.3 says nothing where L₂/μ is large.
    const many = unequalSizes(12, 3, random);
    yield* checkOmpr(randomLeastSquares(`least squares ${number}, 2000 rows`, many, 2000, random, 0), 2);
  }
}

function* claimsOf(problem: Problem, random: Random): Generator<ClaimResult> {
  const starts = startsOnEverySupport(problem, random);
  for (const identity of identities)
    yield checkIdentity(identity, problem, 0.04 + 0.12 * random.uniform(), starts);
  const farFromZero = starts.at(-1)!;
  yield* checkZeroFromTauOn(problem, farFromZero);
  yield checkSupportUnderTau(problem, farFromZero);
  const lambda = lambdaOfOneGroup(problem);
  for (const q of subadditiveCurves) yield checkSameMinimiser(q, problem, lambda, starts);
  yield checkOmp(problem);
}

/** Sizes from 1 to `most`, the first two of them 1 and `most`, so that they never are all the same. */
function unequalSizes(count: number, most: number, random: Random): number[] {
  return Array.from({ length: count }, (_, i) => (i === 0 ? 1 : i === 1 ? most : random.integer(1, most)));
}
