import { describe, expect, it } from 'vitest';
import {
  exponentialMasks,
  groupPowerpropagation,
  l1Masks,
  products,
  trainingObjective,
} from './parameterisations.js';
import { randomLeastSquares, randomMultinomial } from './problems.js';
import { seededRandom } from './random.js';

const random = seededRandom(3);
const problems = [
  randomLeastSquares('least squares', [1, 3, 2], 20, random),
  randomMultinomial('multinomial', [1, 2], 3, 20, random),
];

describe.each([products, exponentialMasks, l1Masks, groupPowerpropagation])('$name', (parameterisation) => {
  it.each(problems)('has the gradient that central differences give, on $name', (problem) => {
    const objective = trainingObjective(problem, parameterisation, 0.3);
    const somewhere = parameterisation
      .lift(new Float64Array(problem.dimension).fill(1), problem.groups)
      .map(() => random.normal());
    objective(somewhere).gradient.forEach((entry, j) => {
      const at = (h: number) => objective(somewhere.with(j, somewhere[j]! + h)).value;
      expect(entry).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 7);
    });
  });

  it('lifts effective weights, zero groups included, to trained ones that make them', () => {
    const { groups } = problems[0]!;
    const u = Float64Array.of(0, 3, -4, 0.5, 0, 0);
    const again = parameterisation.effective(parameterisation.lift(u, groups), groups);
    again.forEach((entry, j) => expect(entry).toBeCloseTo(u[j]!, 14));
  });
});

it('group Powerpropagation of [3, 4] is [15, 20]', () => {
  const groups = [{ start: 0, end: 2 }];
  expect([...groupPowerpropagation.effective(Float64Array.of(3, 4), groups)]).toEqual([15, 20]);
});
