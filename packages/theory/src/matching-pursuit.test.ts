import { describe, expect, it } from 'vitest';
import { absoluteValue } from './curves.js';
import { subsets } from './groups.js';
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
import { leastSquares, randomLeastSquares } from './problems.js';
import { seededRandom } from './random.js';

/** L(β) = ½‖β − z‖²; the groups' gradients at 0 have norms 1, 5, 2 and 3. */
const z = [1, 3, 4, 2, 3];
const scale = Math.sqrt(z.length);
const apart = leastSquares(
  'orthogonal',
  z.map((_, i) => Float64Array.from(z, (_each, j) => (i === j ? scale : 0))),
  z.map((each) => each * scale),
  [1, 2, 1, 1],
);

describe('on orthogonal features', () => {
  it.each([
    ['OMP', byGradient],
    ['group LASSO', byPenalty(sumOf(absoluteValue))],
  ])('%s chooses by the norm of z: 1, 3, 2', (_, select) => {
    const { groups, value } = selectInRounds(apart, 3, select);
    expect(groups).toEqual([1, 3, 2]);
    expect(value).toBeCloseTo(0.5, 12);
  });

  it('the best two groups leave ½(1 + 4)', () => {
    expect(bestSubset(apart, 2).value).toBeCloseTo(2.5, 12);
  });

  it('OMPR, from the worst two, swaps in 1 and then 3', () => {
    expect(worstGroups(apart, 2)).toEqual([0, 2]);
    const losses = matchingPursuitWithReplacement(apart, [0, 2], 10);
    // ½(25 + 9), then ½(1 + 9), then ½(1 + 4), and no swap lowers that.
    [17, 5, 2.5].forEach((loss, round) => expect(losses[round]).toBeCloseTo(loss, 12));
    expect(losses.length).toBe(3);
  });

  it('L₂ = μ = 1 and so k′ = 2k', () => {
    const { kept, smoothness, convexity } = restrictedConstants(apart, 1);
    expect(kept).toBe(2);
    expect(smoothness).toBeCloseTo(1, 14);
    expect(convexity).toBeCloseTo(1, 14);
  });
});

it('the smoothness of two groups with inner product c is 1 + c, and no k′ is enough where that is too large', () => {
  // Columns (1, 0) and (0.6, 0.8), times √2 for the mean over two rows: eigenvalues 0.4 and 1.6.
  const columns = [Float64Array.of(1, 0.6), Float64Array.of(0, 0.8)].map((row) =>
    row.map((x) => x * Math.SQRT2),
  );
  const pair = leastSquares('', columns, [1, 1], [1, 1]);
  expect(() => restrictedConstants(pair, 1)).toThrow('No k′ up to 1');
  const random = randomLeastSquares('', [2, 1, 1, 2], 4000, seededRandom(5), 0);
  const { smoothness, convexity } = restrictedConstants(random, 1);
  expect(smoothness).toBeGreaterThan(1);
  expect(convexity).toBeLessThan(1);
});

it('there are n over k subsets, all different', () => {
  expect(subsets(12, 8).length).toBe(495);
  expect(new Set(subsets(6).map(String)).size).toBe(64);
});
