import { expect, it } from 'vitest';
import { minimise } from './lbfgs.js';

it('finds the minimum (1, 1) of Rosenbrock’s valley', () => {
  const { point, value } = minimise(
    (p) => {
      const [x, y] = [p[0]!, p[1]!];
      return {
        value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
      };
    },
    Float64Array.of(-1.2, 1),
  );
  expect(point[0]).toBeCloseTo(1, 9);
  expect(point[1]).toBeCloseTo(1, 9);
  expect(value).toBeLessThan(1e-18);
});

it('finds the minimum of a quadratic whose curvatures span six orders', () => {
  const curvatures = [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6];
  const { point } = minimise(
    (x) => ({
      value: curvatures.reduce((sum, c, j) => sum + (c * (x[j]! - j) ** 2) / 2, 0),
      gradient: Float64Array.from(curvatures, (c, j) => c * (x[j]! - j)),
    }),
    new Float64Array(7),
  );
  point.forEach((entry, j) => expect(entry).toBeCloseTo(j, 8));
});

it('stays where the gradient is zero', () => {
  const start = Float64Array.of(0);
  expect(minimise((x) => ({ value: -(x[0]! ** 2), gradient: x.map((e) => -2 * e) }), start).point).toEqual(
    start,
  );
});
