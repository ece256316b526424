import { expect, test } from 'vitest';

import { lengthsOf, roundsOf, spentBy } from './rounds.js';

const rounds = (trials: number, epochs: number, seeds: number, halving = true) =>
  roundsOf(trials, lengthsOf(epochs, halving), seeds);

test('each round has a third of the budget, and trains three times as long as the one before', () => {
  // 6 trials of 18 epochs: 36 epochs a round, of 2, 6 and 18.
  const all = rounds(6, 18, 1);
  expect(all).toEqual([
    { epochs: 2, configurations: 18 },
    { epochs: 6, configurations: 6 },
    { epochs: 18, configurations: 2 },
  ]);
  expect(spentBy(all, 18, 1)).toBe(6);
});

test('several seeds share the budget', () => {
  const all = rounds(12, 18, 2);
  expect(all.map(({ configurations }) => configurations)).toEqual([18, 6, 2]);
  expect(spentBy(all, 18, 2)).toBe(12);
});

test('the last round has two settings to choose from: with less to spend there are fewer rounds', () => {
  expect(rounds(4, 9, 1)).toEqual([
    { epochs: 3, configurations: 6 },
    { epochs: 9, configurations: 2 },
  ]);
  expect(rounds(3, 9, 1)).toEqual([{ epochs: 9, configurations: 3 }]);
});

test('where two of the whole length are too much, one round is shorter', () => {
  expect(rounds(1, 9, 1)).toEqual([{ epochs: 3, configurations: 3 }]);
  expect(rounds(1, 3, 1)).toEqual([{ epochs: 1, configurations: 3 }]);
});

test('a length is there once, whole, and never under an epoch', () => {
  expect(rounds(6, 2, 1).map(({ epochs }) => epochs)).toEqual([1, 2]);
  expect(rounds(6, 1, 1)).toEqual([{ epochs: 1, configurations: 6 }]);
});

test('without halving all train the whole length', () => {
  expect(rounds(4, 10, 1, false)).toEqual([{ epochs: 10, configurations: 4 }]);
});

test('whatever the budget, no more is spent, and two settings or more are tried', () => {
  for (let trials = 1; trials < 20; trials++) {
    for (const epochs of [3, 4, 7, 16, 90, 200]) {
      for (const seeds of [1, 2, 3]) {
        if (trials < seeds) continue;
        const all = rounds(trials, epochs, seeds);
        expect(spentBy(all, epochs, seeds)).toBeLessThanOrEqual(trials + 1e-9);
        for (const { configurations } of all) expect(configurations).toBeGreaterThan(1);
      }
    }
  }
});

test('a budget that tries no two settings is refused', () => {
  expect(() => rounds(1, 1, 1)).toThrow(
    /1 trial is not enough to try two settings with 1 seed: raise --trials/,
  );
  expect(() => rounds(6, 10, 6, false)).toThrow(/6 trials is not enough to try two settings with 6 seeds/);
});
