import { describe, expect, it } from 'vitest';
import { checkTheory } from './check-theory.js';
import type { ClaimResult } from './claim.js';
import { logarithm, power, unnormalisedSoftmax } from './curves.js';
import { groupNorms } from './groups.js';
import { checkIdentity, identities } from './identities.js';
import { checkSameMinimiser, checkSubadditive } from './one-group.js';
import { minimiseTrained, products } from './parameterisations.js';
import { minimisePenalised } from './penalised-minimum.js';
import { sumOf } from './penalties.js';
import { randomLeastSquares, randomMultinomial, tau } from './problems.js';
import { seededRandom } from './random.js';
import { checkOmpr } from './selection.js';
import { startsOnEverySupport } from './starts.js';
import { lambdaOfOneGroup } from './threshold.js';

const random = seededRandom(11);
const problems = [
  randomLeastSquares('least squares', [1, 4, 2, 3], 50, random),
  randomMultinomial('multinomial', [1, 3, 2], 3, 60, random),
].map((problem) => ({ name: problem.name, problem, starts: startsOnEverySupport(problem, random) }));

describe('checkTheory', () => {
  // In 107 and 426 a less careful search ends in a local minimum, or at a saddle; all three in `npm run check:long`.
  it.each(process.env['ESPALIER_LONG'] ? [1, 107, 426] : [426])(
    'finds every claim to hold, seed %i',
    { timeout: 120_000 },
    (seed) => {
      const streamed: ClaimResult[] = [];
      const results = checkTheory({ seed, problems: 1, onClaim: (result) => streamed.push(result) });
      expect(results.filter(({ holds }) => !holds)).toEqual([]);
      expect(results.length).toBe(33);
      expect(streamed).toEqual(results);
    },
  );

  it.each<[unknown, string]>([
    [{ seed: 0.5 }, 'checkTheory(): seed = 0.5, and is to be a whole number'],
    [{ seed: '0' }, 'checkTheory(): seed = a value of type string, and is to be a whole number'],
    [{ problems: 0 }, 'checkTheory(): problems = 0, and is to be a whole number of at least 1'],
    [
      { onClaim: 'log' },
      'checkTheory(): onClaim = a value of type string, and is to be a function of a result',
    ],
    [{ problem: 1 }, "checkTheory() has no option 'problem': it has seed, problems, onClaim"],
    [null, 'checkTheory() takes an object of options (seed, problems, onClaim)'],
    [2, 'checkTheory() takes an object of options'],
    [Promise.resolve({}), 'checkTheory() takes an object of options'],
  ])('refuses %j', (options, message) => {
    expect(() => checkTheory(options as never)).toThrow(message);
  });
});

describe.each(problems)('the identities on $name', { timeout: 60_000 }, ({ problem, starts }) => {
  it.each(identities)('$claim: the effective weights agree as well', ({ parameterisation, penalty }) => {
    const lambda = 0.15 * tau(problem);
    const left = minimiseTrained(problem, parameterisation, lambda, starts).point;
    const right = minimisePenalised(problem, penalty, lambda, starts).point;
    left.forEach((entry, j) => expect(entry).toBeCloseTo(right[j]!, 6));
  });
});

describe.each(problems)('a false claim is found out on $name', { timeout: 60_000 }, ({ problem, starts }) => {
  const [hoff, lemma21, lemma22, lemma23] = identities;

  it('a constant of Lemma 2.2 that is a thousandth too large', () => {
    const wrong = { ...lemma22!, penalty: sumOf(power(2 / 3), 1.001 * 1.5 * 2 ** (1 / 3)) };
    expect(checkIdentity(wrong, problem, 0.15, starts).holds).toBe(false);
    expect(checkIdentity(lemma22!, problem, 0.15, starts).holds).toBe(true);
  });

  it('a forgotten half in Hoff’s product, in Lemma 2.1 and in Lemma 2.3', () => {
    const doubled = {
      ...hoff!,
      parameterisation: { ...products, decay: identities[1]!.parameterisation.decay },
    };
    const halved = { ...lemma21!, penalty: sumOf(unnormalisedSoftmax, 1 / 2) };
    const half = { ...lemma23!, penalty: sumOf(power(1), 1 / 2) };
    for (const wrong of [doubled, halved, half]) {
      expect(checkIdentity(wrong, problem, 0.15, starts).holds).toBe(false);
    }
  });

  it('Theorem 1.1 for q = a² and for Lemma 2.1’s q, which are not subadditive', () => {
    const lambda = lambdaOfOneGroup(problem);
    expect(checkSameMinimiser(power(0.5), problem, lambda, starts).holds).toBe(true);
    for (const q of [power(2), unnormalisedSoftmax]) {
      expect(checkSubadditive(q).holds).toBe(false);
      expect(checkSameMinimiser(q, problem, lambda, starts).holds).toBe(false);
    }
  });

  it('Theorem 1.1 at a λ where group LASSO keeps several groups', () => {
    const lambda = 0.1 * tau(problem);
    const kept = minimisePenalised(problem, sumOf(power(1)), lambda, starts).point;
    expect(groupNorms(kept, problem.groups).filter((length) => length > 0).length).toBeGreaterThan(1);
    for (const q of [power(0.5), logarithm]) {
      expect(checkSameMinimiser(q, problem, lambda, starts).holds).toBe(false);
    }
  });
});

it('a q that does not start at 0, or does not increase, is not what Theorem 1.1 asks', () => {
  expect(checkSubadditive({ ...logarithm, value: (a) => 1 + a }).holds).toBe(false);
  expect(checkSubadditive({ ...logarithm, value: (a) => Math.min(a, 1) }).holds).toBe(false);
});

it('Theorem B.3 with constants that are not the problem’s own', () => {
  // 8 rows for 14 features: no μ above 0 exists, and the theorem promises nothing. Here the Hessian lies.
  const singular = randomLeastSquares('too few rows', [1, 2, 3, 1, 2, 1, 3, 1], 8, seededRandom(8), 0);
  const identity = singular.hessian.map((_, at) => (at % (singular.dimension + 1) === 0 ? 1 : 0));
  expect(() => checkOmpr(singular, 2)).toThrow('No k′ up to 6');
  for (const { holds } of checkOmpr({ ...singular, hessian: identity }, 2)) expect(holds).toBe(false);
});

it('group LASSO is not yet 0 a hundredth below τ', () => {
  for (const { problem, starts } of problems) {
    const { point } = minimisePenalised(problem, sumOf(power(1)), 0.99 * tau(problem), starts);
    expect(groupNorms(point, problem.groups).filter((length) => length > 0).length).toBe(1);
  }
});
