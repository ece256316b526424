import { between, choiceOf } from '@espalier/core';
import { expect, test } from 'vitest';

import { configurations, type Point } from './configurations.js';

const training = { learningRateFactor: between(0.25, 4, { logarithmic: true }) };
const own = {
  dense: between(0.1, 0.6),
  lambda: between(1e-4, 1e-1, { logarithmic: true }),
  cycles: between(2, 5, { whole: true }),
  form: choiceOf('block', 'elementwise'),
};
const spaces = { training, own };

const drawn = (count: number, { seed = 0, purpose = 'a strategy' } = {}) =>
  configurations(spaces, { count, search: 'random', seed, purpose });

const inSpaces = ({ training: { learningRateFactor }, settings: { dense, lambda, cycles, form } }: Point) => {
  expect(learningRateFactor).toBeGreaterThanOrEqual(0.25);
  expect(learningRateFactor).toBeLessThanOrEqual(4);
  expect(dense).toBeGreaterThanOrEqual(0.1);
  expect(dense).toBeLessThanOrEqual(0.6);
  expect(lambda).toBeGreaterThanOrEqual(1e-4);
  expect(lambda).toBeLessThanOrEqual(1e-1);
  expect([2, 3, 4, 5]).toContain(cycles);
  expect(['block', 'elementwise']).toContain(form);
};

test('the first is what the strategy is by itself; the others lie in the spaces', () => {
  const [first, ...others] = drawn(200);
  expect(first).toEqual({ training: {}, settings: {} });
  expect(others).toHaveLength(199);
  others.forEach(inSpaces);
});

test('a logarithmic range is drawn from evenly in its logarithm, whole numbers evenly', () => {
  const values = drawn(2001)
    .slice(1)
    .map(({ settings }) => settings);
  const share = (of: (settings: (typeof values)[0]) => boolean) => values.filter(of).length / values.length;
  // A decade of three: 1/3, and one number of four: 1/4, each ± 4 standard deviations.
  expect(Math.abs(share(({ lambda }) => (lambda as number) < 1e-3) - 1 / 3)).toBeLessThan(0.043);
  for (const cycles of [2, 3, 4, 5]) {
    expect(Math.abs(share((settings) => settings['cycles'] === cycles) - 1 / 4)).toBeLessThan(0.039);
  }
});

test('fewer are the first of more, and another seed draws others', () => {
  expect(drawn(20).slice(0, 5)).toEqual(drawn(5));
  expect(drawn(5, { seed: 1 })).not.toEqual(drawn(5));
});

test('all strategies have the same luck with what they all have', () => {
  const [one, other] = [drawn(9), drawn(9, { purpose: 'another' })];
  expect(one.map((point) => point.training)).toEqual(other.map((point) => point.training));
  expect(one.map((point) => point.settings)).not.toEqual(other.map((point) => point.settings));
});

test('a grid has both ends of what it has room for, training first, and is filled up at random', () => {
  const points = configurations(spaces, { count: 30, search: 'grid', seed: 0, purpose: '' }).slice(1);
  points.forEach(inSpaces);
  expect(points).toHaveLength(29);
  // 2 levels of each of five is 32: too many. 3 · 2 · 2 · 2 · 1 is 24.
  const rates = points.slice(0, 24).map((point) => point.training.learningRateFactor);
  expect(new Set(rates)).toEqual(new Set([0.25, 1, 4]));
  expect(new Set(points.slice(0, 24).map(({ settings }) => settings['dense']))).toEqual(new Set([0.1, 0.6]));
  expect(new Set(points.map((point) => JSON.stringify(point))).size).toBe(points.length);
});

test('without a space there is training alone', () => {
  const points = configurations({ training, own: {} }, { count: 3, search: 'random', seed: 0, purpose: '' });
  expect(points.map(({ settings }) => settings)).toEqual([{}, {}, {}]);
});
