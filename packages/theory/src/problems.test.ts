import { describe, expect, it } from 'vitest';
import {
  leastSquares,
  minimiseOver,
  multinomialLogistic,
  principalEigenvalues,
  randomLeastSquares,
  randomMultinomial,
  tau,
} from './problems.js';
import { seededRandom } from './random.js';

const random = seededRandom(7);
const least = randomLeastSquares('least squares', [1, 3, 2], 20, random);
const multinomial = randomMultinomial('multinomial', [1, 3, 2], 4, 30, random);

describe.each([least, multinomial])('$name', (problem) => {
  const point = Float64Array.from({ length: problem.dimension }, () => random.normal());

  it('has the gradient that central differences give', () => {
    const { gradient } = problem.evaluate(point);
    gradient.forEach((entry, j) => {
      const at = (h: number) => problem.evaluate(point.with(j, point[j]! + h)).value;
      expect(entry).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 8);
    });
  });

  it('curves no more in a group than the bound says', () => {
    problem.groups.forEach(({ start, end }, i) => {
      for (const base of [point, new Float64Array(problem.dimension)]) {
        const direction = base.map((_, j) => (j >= start && j < end ? random.normal() : 0));
        const square = direction.reduce((sum, d) => sum + d * d, 0);
        const at = (h: number) => problem.evaluate(base.map((b, j) => b + h * direction[j]!)).value;
        const curvature = (at(1e-3) - 2 * at(0) + at(-1e-3)) / (1e-6 * square);
        expect(curvature).toBeLessThanOrEqual(problem.curvature[i]! + 1e-6);
      }
    });
  });
});

it('least squares by hand: X = [[1, 0], [1, 2]], y = (1, 3)', () => {
  const rows = [Float64Array.of(1, 0), Float64Array.of(1, 2)];
  const problem = leastSquares('', rows, [1, 3], [1, 1]);
  // At 0: (1 + 9)/4; the gradient is −Xᵀy/2 = −(4, 6)/2.
  expect(problem.evaluate(new Float64Array(2))).toEqual({ value: 2.5, gradient: Float64Array.of(-2, -3) });
  expect(tau(problem)).toBe(3);
  expect([...problem.hessian]).toEqual([1, 1, 1, 2]);
  // Solved exactly by (1, 1); with the second alone, 2b = 3 and L = ¼(1 + 0).
  const whole = minimiseOver(problem, [0, 1]);
  expect(whole.point[0]).toBeCloseTo(1, 10);
  expect(whole.point[1]).toBeCloseTo(1, 10);
  const second = minimiseOver(problem, [1]);
  expect([...second.point]).toEqual([0, expect.closeTo(1.5, 10) as number]);
  expect(second.value).toBeCloseTo(0.25, 12);
});

it('multinomial by hand: at 0 the loss is log C and the gradient 1/C minus the one-hot label', () => {
  const problem = multinomialLogistic('', [Float64Array.of(2)], [1], 4, [1]);
  const { value, gradient } = problem.evaluate(new Float64Array(4));
  expect(value).toBeCloseTo(Math.log(4), 15);
  expect([...gradient]).toEqual([0.5, -1.5, 0.5, 0.5]);
});

it('the eigenvalues of a principal part are those of its rows and columns', () => {
  const matrix = Float64Array.of(5, 9, 0, 9, 7, 0, 0, 0, 3);
  expect(
    principalEigenvalues(matrix, 3, [
      { start: 0, end: 1 },
      { start: 2, end: 3 },
    ]),
  ).toEqual([3, 5]);
});

it('refuses rows that do not fit the groups', () => {
  expect(() => leastSquares('', [Float64Array.of(1, 2)], [1], [3])).toThrow(
    'A row has 2 features; the groups hold 3',
  );
  expect(() => leastSquares('', [], [], [1])).toThrow('at least one row');
});
