/**
 * Successive halving (Jamieson & Talwalkar 2016, arXiv 1502.07943): many settings are tried for a short training, the
 * best of them for a longer one, and the best of these for the whole.
 */
import { assertArgument, listOf, wholeNumber } from '@espalier/core';

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
/** Of fewer, none is chosen. */
const LEAST = 2;

/** How long rounds may train, the whole length last: whole epochs, each length once. */
export function lengthsOf(epochs: number, halving: boolean): number[] {
  assertArgument('lengthsOf()', 'epochs', epochs, wholeNumber());
  if (!halving) return [epochs];
  const lengths = Array.from({ length: MOST }, (_, i) =>
    Math.max(1, Math.round(epochs / FACTOR ** (MOST - 1 - i))),
  );
  return [...new Set(lengths)];
}

/**
 * As many rounds as can be with two settings or more in each; every round has as much to spend. Where the budget is not
 * enough for two of the whole length, one round of a shorter one.
 *
 * @param trials what a strategy may spend at each target, in trials of the whole length
 * @param lengths as `lengthsOf` gives them
 * @param seeds how many trials each settings take
 * @throws UsageError where the budget is not enough for two settings of the shortest length
 */
export function roundsOf(trials: number, lengths: readonly number[], seeds: number): Round[] {
  assertArgument('roundsOf()', 'trials', trials, wholeNumber());
  assertArgument('roundsOf()', 'seeds', seeds, wholeNumber());
  assertArgument('roundsOf()', 'lengths', lengths, listOf(wholeNumber(), 'a list of epochs'));
  const epochs = lengths.at(-1) as number;
  const roundOf = (share: number) => (length: number) => ({
    epochs: length,
    configurations: Math.floor((share * epochs) / length / seeds),
  });
  for (let rounds = lengths.length; rounds > 0; rounds--) {
    const all = lengths.slice(-rounds).map(roundOf(trials / rounds));
    if (all.every(({ configurations }) => configurations >= LEAST)) return all;
  }
  const shorter = lengths
    .toReversed()
    .map(roundOf(trials))
    .find(({ configurations }) => configurations >= LEAST);
  if (shorter) return [shorter];
  throw new UsageError(
    `A budget of ${trials} ${trials === 1 ? 'trial' : 'trials'} is not enough to try two settings with ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}: raise --trials, or give fewer --seeds`,
  );
}

/** What the rounds spend of each strategy at each target, in trials of the whole length. */
export function spentBy(rounds: readonly Round[], epochs: number, seeds: number): number {
  return rounds.reduce((sum, round) => sum + (seeds * round.configurations * round.epochs) / epochs, 0);
}
