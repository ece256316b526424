import { expect, test } from 'vitest';

import { judge } from './judge.js';

// SciPy 1.17: ttest_1samp([1, 2, 3, 4, 5], 0) has p = 0.0132356; t.ppf(0.975, 4) = 2.7764451.
const oneToFive = [1, 2, 3, 4, 5];

test('one claim is a paired t-test with its 95% interval', () => {
  const [judged] = judge([oneToFive]);
  const half = (2.7764451 * Math.sqrt(2.5)) / Math.sqrt(5);
  expect(judged).toMatchObject({ verdict: 'holds', mean: 3, count: 5 });
  expect(judged!.interval![0]).toBeCloseTo(3 - half, 5);
  expect(judged!.interval![1]).toBeCloseTo(3 + half, 5);
  expect(judged!.smallest).toBeCloseTo(half, 5);
});

test('what is under zero does not hold', () => {
  expect(judge([oneToFive.map((d) => -d)])[0]!.verdict).toBe('does not hold');
});

test('p = 0.0132 decides one claim of three, at 0.05 / 3, and no claim of four, at 0.05 / 4', () => {
  const noise = [1, -1, 1, -1];
  expect(judge([oneToFive, noise, noise])[0]!.verdict).toBe('holds');
  const ofFour = judge([oneToFive, noise, noise, noise])[0]!;
  expect(ofFour.verdict).toBe('undecided');
  expect(ofFour.interval![0]).toBeLessThan(0);
});

test('after the first that is decided the next is judged at a larger level, and after the first that is not none is', () => {
  // p = 0.0132 is under 0.05 / 3, and again under 0.05 / 2; alone among three it would have to be the first.
  expect(judge([oneToFive, oneToFive, [1, -1, 1, -1]]).map(({ verdict }) => verdict)).toEqual([
    'holds',
    'holds',
    'undecided',
  ]);
  // p = 0.0452 of [0.5, 1, 2, 3, 5] is under 0.05 but not under 0.05 / 2.
  const weak = [0.5, 1, 2, 3, 5];
  expect(judge([weak, weak]).map(({ verdict }) => verdict)).toEqual(['undecided', 'undecided']);
  expect(judge([weak])[0]!.verdict).toBe('holds');
});

test('the interval of a claim excludes zero where it is decided, and holds it where it is not', () => {
  const claims = [oneToFive, [2, 2.1, 1.9], [-1, -1.2, -0.8, -1.1], [1, -1], [0.5, 1, 2, 3, 5]];
  for (const { verdict, interval } of judge(claims)) {
    const excludes = interval![0] > 0 || interval![1] < 0;
    expect(excludes).toBe(verdict !== 'undecided');
  }
});

test('fewer than two pairs decide nothing, and count among the claims', () => {
  expect(judge([[1], [], oneToFive, oneToFive]).map(({ verdict }) => verdict)).toEqual([
    'undecided',
    'undecided',
    'undecided',
    'undecided',
  ]);
});

test('differences that are all the same say nothing of how far others would lie apart', () => {
  for (const same of [
    [2, 2],
    [0, 0, 0],
    [0.1 + 0.2, 0.3],
  ]) {
    expect(judge([same])[0]).toMatchObject({ verdict: 'undecided', interval: null, smallest: null });
  }
});
