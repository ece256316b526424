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
 * @throws RangeError or TypeError for an option that there is not, or is not what it is to be.
 */
export function checkTheory(options: TheoryOptions = {}): ClaimResult[] {
  assertOptions(options);
  const { seed = 0, problems = 2, onClaim } = options;
  const results: ClaimResult[] = [];
  for (const result of claims(seed, problems)) {
    results.push(result);
    onClaim?.(result);
  }
  return results;
}

const isWhole = Number.isSafeInteger as (value: unknown) => value is number;

/** What each option is to be. */
const OPTIONS: Record<keyof TheoryOptions, readonly [holds: (value: unknown) => boolean, words: string]> = {
  seed: [isWhole, 'a whole number'],
  problems: [(value) => isWhole(value) && value >= 1, 'a whole number of at least 1'],
  onClaim: [(value) => typeof value === 'function', 'a function of a result: ({ claim, holds }) => …'],
};

function assertOptions(options: TheoryOptions): void {
  const names = Object.keys(OPTIONS) as (keyof TheoryOptions)[];
  if (typeof options !== 'object' || options === null || Array.isArray(options) || 'then' in options) {
    throw new TypeError(`checkTheory() takes an object of options (${names.join(', ')})`);
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new TypeError(`checkTheory() has no option '${unknown}': it has ${names.join(', ')}`);
  }
  for (const name of names) {
    const [holds, words] = OPTIONS[name];
    const value: unknown = options[name];
    if (value === undefined || holds(value)) continue;
    const seen = typeof value === 'number' ? value : `a value of type ${typeof value}`;
    const Refusal = typeof value === 'number' ? RangeError : TypeError;
    throw new Refusal(`checkTheory(): ${name} = ${seen}, and is to be ${words}`);
  }
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
