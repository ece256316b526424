/**
 * Successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943): many settings are tried for a short training, the
 * best of them for a longer one, and the best of these for the whole.
 */
import { assertArgument, wholeNumber } from '@espalier/core';

import { UsageError } from '../errors.js';

export interface Round {
  /** Training length. */
  readonly epochs: number;
  /** How many settings of each strategy at each target are tried. */
  readonly configurations: number;
}

/** A round trains so many times as long as the one before. */
const FACTOR = 3;
/** More rounds than that begin with trainings that tell nothing. */
const MOST = 3;

/**
 * @param trials what a strategy may spend at each target, in trials of the whole length
 * @param epochs the whole length
 * @param seeds how many trials each settings take
 * @param halving whether the hopeless are left after a short training
 * @throws UsageError where the budget is not enough for one
 */
export function roundsOf(trials: number, epochs: number, seeds: number, halving: boolean): Round[] {
  for (const [name, value] of Object.entries({ trials, epochs, seeds })) {
    assertArgument('roundsOf()', name, value, wholeNumber());
  }
  const lengths = halving ? lengthsOf(epochs) : [epochs];
  // Every round spends the same; where that is not enough for the last one, there are fewer rounds.
  for (let rounds = lengths.length; rounds > 0; rounds--) {
    const share = trials / rounds / seeds;
    if (share < 1) continue;
    return lengths
      .slice(-rounds)
      .map((length) => ({ epochs: length, configurations: Math.floor((share * epochs) / length) }));
  }
  throw new UsageError(
    `A budget of ${trials} trials is under one for each of ${seeds} seeds: raise --trials, or give fewer --seeds`,
  );
}

/** From the shortest; whole epochs, each length once. */
function lengthsOf(epochs: number): number[] {
  const lengths = Array.from({ length: MOST }, (_, i) =>
    Math.max(1, Math.round(epochs / FACTOR ** (MOST - 1 - i))),
  );
  return [...new Set(lengths)];
}

/** What the rounds spend of each strategy at each target, in trials of the whole length. */
export function spentBy(rounds: readonly Round[], epochs: number, seeds: number): number {
  return rounds.reduce((sum, round) => sum + (seeds * round.configurations * round.epochs) / epochs, 0);
}
