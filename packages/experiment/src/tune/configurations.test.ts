import { between, choiceOf } from '@espalier/core';
import { expect, test } from 'vitest';

import { configurations, type Configuration } from './configurations.js';

const space = {
  dense: between(0.1, 0.6),
  lambda: between(1e-4, 1e-1, { logarithmic: true }),
  cycles: between(2, 10, { whole: true }),
  form: choiceOf('block', 'elementwise'),
};

const drawn = (count: number, seed = 0) =>
  configurations(space, { count, search: 'random', seed, purpose: 'a strategy' });

const inSpace = ({ dense, lambda, cycles, form }: Configuration) => {
  expect(dense).toBeGreaterThanOrEqual(0.1);
  expect(dense).toBeLessThanOrEqual(0.6);
  expect(lambda).toBeGreaterThanOrEqual(1e-4);
  expect(lambda).toBeLessThanOrEqual(1e-1);
  expect(Number.isInteger(cycles)).toBe(true);
  expect(['block', 'elementwise']).toContain(form);
};

test('the first is what the strategy is by itself; the others lie in the space', () => {
  const [first, ...others] = drawn(200);
  expect(first).toEqual({});
  expect(others).toHaveLength(199);
  others.forEach(inSpace);
});

test('a logarithmic range is drawn from evenly in its logarithm', () => {
  const values = drawn(2001).slice(1);
  const share = values.filter(({ lambda }) => (lambda as number) < 1e-3).length / values.length;
  // A decade of three: 1/3 ± 4 standard deviations.
  expect(Math.abs(share - 1 / 3)).toBeLessThan(0.043);
});

test('fewer are the first of more, and another seed draws others', () => {
  expect(drawn(20).slice(0, 5)).toEqual(drawn(5));
  expect(drawn(5, 1)).not.toEqual(drawn(5));
});

test('a grid has both ends of what it has room for, and no more points than asked for', () => {
  const points = configurations(space, { count: 25, search: 'grid', seed: 0, purpose: '' }).slice(1);
  points.forEach(inSpace);
  expect(points.length).toBeLessThanOrEqual(24);
  expect(points.length).toBeGreaterThan(12);
  expect(new Set(points.map(({ dense }) => dense))).toEqual(new Set([0.1, 0.35, 0.6]));
  expect(new Set(points.map(({ form }) => form))).toEqual(new Set(['block', 'elementwise']));
  expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(points.length);
});

test('without a space there is one: itself', () => {
  expect(configurations({}, { count: 9, search: 'random', seed: 0, purpose: '' })).toEqual([{}]);
});
