/**
 * Whether differences are above zero: paired t-tests, of which several at once are judged by Holm's method (Holm 1979,
 * "A simple sequentially rejective multiple test procedure"): the chance that any of them is called wrongly is at most α.
 */
import { assertArgument, listOf, numberIn } from '@espalier/core';
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';

import { anyNumber } from './arguments.js';
import { spread } from './statistics.js';

/** `holds`: the difference is above zero; `does not hold`: it is under zero; else the seeds do not decide. */
export type Verdict = 'holds' | 'does not hold' | 'undecided';

export interface Judged {
  readonly verdict: Verdict;
  /** Of the differences; null where there is none. */
  readonly mean: number | null;
  /** Of pairs. */
  readonly count: number;
  /**
   * At the level that Holm's method gives this one among all; null of fewer than two pairs, and of pairs that are all the
   * same.
   */
  readonly interval: readonly [low: number, high: number] | null;
  /** The smallest mean difference that so many pairs, as far apart as these, would have decided if it were the first of all. */
  readonly smallest: number | null;
}

const ALPHA = 0.05;

/** A deviation under so much of the mean is none. */
const ROUNDING = 1e-9;

/**
 * @param claims for each the paired differences, one a seed: above zero where the claim is right
 * @param alpha the chance that any of the verdicts is wrong, above 0 and under 1
 */
export function judge(claims: readonly (readonly number[])[], alpha = ALPHA): Judged[] {
  for (const differences of claims) {
    assertArgument('judge()', 'differences', differences, listOf(anyNumber, 'a list of numbers'));
  }
  assertArgument('judge()', 'alpha', alpha, numberIn('(0, 1)'));
  const tests = claims.map(testOf);
  const order = tests
    .map((test, i) => ({ test, i }))
    .filter(({ test }) => test.p !== null)
    .sort((a, b) => a.test.p! - b.test.p!);
  const judged = tests.map(({ mean, count }): Judged => ({
    ...{ verdict: 'undecided', mean, count, interval: null, smallest: null },
  }));
  // A claim without two pairs is one of those that were asked all the same.
  const asked = claims.length;
  let level = alpha / asked;
  let goesOn = true;
  for (const [rank, { test, i }] of order.entries()) {
    if (goesOn) level = alpha / (asked - rank);
    goesOn &&= test.p! < level;
    judged[i] = {
      verdict: goesOn ? (test.mean! > 0 ? 'holds' : 'does not hold') : 'undecided',
      mean: test.mean,
      count: test.count,
      interval: intervalOf(test, level),
      smallest: halfWidth(test, alpha / asked),
    };
  }
  return judged;
}

interface Test {
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly count: number;
  /** Two-sided; null of fewer than two pairs, and of pairs that are all the same. */
  readonly p: number | null;
}

function testOf(differences: readonly number[]): Test {
  const of = spread(differences);
  if (!of) return { mean: null, deviation: null, count: 0, p: null };
  const { mean, deviation, count } = of;
  // Differences that are all the same say nothing of how far others would lie apart.
  const spreads = deviation !== null && deviation > ROUNDING * Math.abs(mean);
  return {
    mean,
    deviation: spreads ? deviation : null,
    count,
    p: spreads ? pOf(mean, deviation, count) : null,
  };
}

function pOf(mean: number, deviation: number, count: number): number {
  const t = Math.abs(mean) / (deviation / Math.sqrt(count));
  return 2 * (1 - tCdf(t, count - 1));
}

/** Half of a two-sided interval's width. */
function halfWidth({ deviation, count }: Test, level: number): number | null {
  if (deviation === null) return null;
  return (tQuantile(1 - level / 2, count - 1) * deviation) / Math.sqrt(count);
}

function intervalOf(test: Test, level: number): Judged['interval'] {
  const half = halfWidth(test, level);
  return half === null ? null : [test.mean! - half, test.mean! + half];
}
