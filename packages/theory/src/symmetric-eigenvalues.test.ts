import { expect, it } from 'vitest';
import { symmetricEigenvalues } from './symmetric-eigenvalues.js';

it('finds 1 and 3 for [[2, 1], [1, 2]]', () => {
  const [small, large] = symmetricEigenvalues([2, 1, 1, 2], 2);
  expect(small).toBeCloseTo(1, 15);
  expect(large).toBeCloseTo(3, 15);
});

it('finds 2 − 2cos(kπ/(n + 1)) for the second difference matrix', () => {
  const n = 15;
  const matrix = Array.from({ length: n * n }, (_, at) => {
    const apart = Math.abs(Math.floor(at / n) - (at % n));
    return apart === 0 ? 2 : apart === 1 ? -1 : 0;
  });
  symmetricEigenvalues(matrix, n).forEach((eigenvalue, i) => {
    expect(eigenvalue).toBeCloseTo(2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1)), 13);
  });
});

it('finds n once and 0 for the rest of a matrix of ones', () => {
  const eigenvalues = symmetricEigenvalues(new Array<number>(36).fill(1), 6);
  eigenvalues.slice(0, 5).forEach((each) => expect(each).toBeCloseTo(0, 14));
  expect(eigenvalues[5]).toBeCloseTo(6, 14);
});
