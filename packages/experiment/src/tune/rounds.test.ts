import { expect, test } from 'vitest';

import { roundsOf, spentBy } from './rounds.js';

test('each round spends a third of the budget, and trains three times as long as the one before', () => {
  // 6 trials of 18 epochs: 36 epochs a round, of 2, 6 and 18.
  const rounds = roundsOf(6, 18, 1, true);
  expect(rounds).toEqual([
    { epochs: 2, configurations: 18 },
    { epochs: 6, configurations: 6 },
    { epochs: 18, configurations: 2 },
  ]);
  expect(spentBy(rounds, 18, 1)).toBe(6);
});

test('several seeds share the budget', () => {
  const rounds = roundsOf(6, 18, 2, true);
  expect(rounds.map(({ configurations }) => configurations)).toEqual([9, 3, 1]);
  expect(spentBy(rounds, 18, 2)).toBe(6);
});

test('a budget that is not enough for the last round has fewer rounds', () => {
  expect(roundsOf(2, 9, 1, true)).toEqual([
    { epochs: 3, configurations: 3 },
    { epochs: 9, configurations: 1 },
  ]);
  expect(roundsOf(1, 9, 1, true)).toEqual([{ epochs: 9, configurations: 1 }]);
});

test('a length is there once, whole, and never under an epoch', () => {
  expect(roundsOf(6, 2, 1, true).map(({ epochs }) => epochs)).toEqual([1, 2]);
  expect(roundsOf(6, 1, 1, true)).toEqual([{ epochs: 1, configurations: 6 }]);
});

test('without halving all train the whole length', () => {
  expect(roundsOf(4, 10, 1, false)).toEqual([{ epochs: 10, configurations: 4 }]);
});

test('whatever the budget, no more is spent', () => {
  for (let trials = 1; trials < 20; trials++) {
    for (const epochs of [1, 2, 3, 4, 7, 16, 90, 200]) {
      for (const seeds of [1, 2, 3]) {
        if (trials < seeds) continue;
        expect(spentBy(roundsOf(trials, epochs, seeds, true), epochs, seeds)).toBeLessThanOrEqual(
          trials + 1e-9,
        );
      }
    }
  }
});

test('a budget under one trial a seed is refused', () => {
  expect(() => roundsOf(1, 10, 2, true)).toThrow(/raise --trials, or give fewer --seeds/);
});
