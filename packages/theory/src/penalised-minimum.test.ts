import { describe, expect, it } from 'vitest';
import { absoluteValue, power, unnormalisedSoftmax } from './curves.js';
import { identities } from './identities.js';
import { minimiseTrained } from './parameterisations.js';
import { minimisePenalised } from './penalised-minimum.js';
import { sumOf } from './penalties.js';
import { leastSquares, multinomialLogistic, type Problem } from './problems.js';
import { seededRandom } from './random.js';
import { startsOnEverySupport } from './starts.js';

const rows = (...values: number[][]) => values.map((row) => Float64Array.from(row));

/** L(β) = ½‖β − z‖². */
const distanceTo = (z: number[], sizes: number[]) => {
  const scale = Math.sqrt(z.length);
  const identity = z.map((_, i) => Float64Array.from(z, (_each, j) => (i === j ? scale : 0)));
  const targets = z.map((each) => each * scale);
  return leastSquares('distance', identity, targets, sizes);
};

const minima = (problem: Problem, lambda: number, penalty: ReturnType<typeof sumOf>) => {
  const starts = startsOnEverySupport(problem, seededRandom(1));
  return minimisePenalised(problem, penalty, lambda, starts);
};

describe('by hand, L = ½‖β − z‖²', () => {
  it('group LASSO at 1 takes [3, 4] to [2.4, 3.2] and [0.6] to 0: ½·1 + 4 + ½·0.36', () => {
    const { point, value } = minima(distanceTo([3, 4, 0.6], [2, 1]), 1, sumOf(absoluteValue));
    [2.4, 3.2, 0].forEach((entry, j) => expect(point[j]).toBeCloseTo(entry, 13));
    expect(value).toBeCloseTo(4.68, 13);
  });

  it('Lemma 2.2’s penalty takes length 3 to 2 at ½ + 3, which is less than 4.5 at 0', () => {
    const { point, value } = minima(distanceTo([1.8, 2.4], [2]), 1, sumOf(power(2 / 3), 1.5 * 2 ** (1 / 3)));
    [1.2, 1.6].forEach((entry, j) => expect(point[j]).toBeCloseTo(entry, 13));
    expect(value).toBeCloseTo(3.5, 13);
  });

  it('Lemma 2.1’s takes a + 1/a to a = √(e/2), at 1/e + ¾', () => {
    const a = Math.sqrt(Math.E / 2);
    const { point, value } = minima(distanceTo([a + 1 / a], [1]), 1, sumOf(unnormalisedSoftmax));
    expect(point[0]).toBeCloseTo(a, 12);
    expect(value).toBeCloseTo(1 / Math.E + 0.75, 13);
  });
});

/**
 * Minima from SciPy 1.17: differential evolution over each support, then Nelder-Mead; the loss, the penalties
 * and the Lambert function are SciPy's and NumPy's, and no parameterisation and no proximal step is involved.
 */
describe('agrees with SciPy, both sides', () => {
  const least = leastSquares(
    '',
    rows([2, 1, 0], [0, 1, 1], [1, -1, 2], [-1, 0, 1], [1, 2, -1]),
    [3, 1, -2, -2, 4],
    [1, 2],
  );
  const features = rows([1, 0], [2, 1], [0, 1], [-1, 1], [-1, -1], [0, -2], [1, -1], [1, 1]);
  const multinomial = multinomialLogistic('', features, [0, 0, 1, 1, 2, 2, 0, 1], 3, [1, 1]);

  it.each([
    [
      'least squares',
      least,
      0.3,
      [0.7072542189272721, 0.4693667132126448, 1.2238010868501128, 0.7072542189272721],
    ],
    [
      'multinomial',
      multinomial,
      0.05,
      [0.3976735008361269, 0.32761496615269337, 0.4949683546753087, 0.3976735008361269],
    ],
  ] as const)('%s', (_, problem, lambda, expected) => {
    const starts = startsOnEverySupport(problem, seededRandom(2));
    identities.forEach(({ penalty, parameterisation }, i) => {
      expect(minimisePenalised(problem, penalty, lambda, starts).value).toBeCloseTo(expected[i]!, 11);
      expect(minimiseTrained(problem, parameterisation, lambda, starts).value).toBeCloseTo(expected[i]!, 11);
    });
  });
});
