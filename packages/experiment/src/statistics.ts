/** The statistics of the table: means over seeds, and paired differences with their confidence intervals. */
import { anInstance, assertArgument, listOf } from '@espalier/core';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { mean, sampleStandardDeviation } from 'simple-statistics';

import { anyNumber } from './arguments.js';

export interface Spread {
  readonly mean: number;
  /** Sample standard deviation; null of a single value. */
  readonly deviation: number | null;
  readonly count: number;
}

const numbers = listOf(anyNumber, 'a list of numbers');
const bySeed = anInstance(Map, 'a Map of numbers by seed');

/** Null of no values. */
export function spread(values: readonly number[]): Spread | null {
  assertArgument('spread()', 'values', values, numbers);
  if (values.length === 0) return null;
  return {
    mean: mean([...values]),
    deviation: values.length > 1 ? sampleStandardDeviation([...values]) : null,
    count: values.length,
  };
}

export interface Difference {
  readonly mean: number;
  /** Half the width of the 95% confidence interval (Student's t); null of a single pair or value. */
  readonly halfWidth: number | null;
}

/** The mean of `a − b` over the keys (seeds) that both have; null when there is none. */
export function pairedDifference(
  a: ReadonlyMap<number, number>,
  b: ReadonlyMap<number, number>,
): Difference | null {
  assertArgument('pairedDifference()', 'a', a, bySeed);
  assertArgument('pairedDifference()', 'b', b, bySeed);
  const differences = [...a].flatMap(([key, value]) => (b.has(key) ? [value - (b.get(key) as number)] : []));
  return meanInterval(differences);
}

/** The mean with its 95% confidence interval (Student's t); null of no values. */
export function meanInterval(values: readonly number[]): Difference | null {
  const of = spread(values);
  if (!of) return null;
  if (of.deviation === null) return { mean: of.mean, halfWidth: null };
  return { mean: of.mean, halfWidth: (tQuantile(0.975, of.count - 1) * of.deviation) / Math.sqrt(of.count) };
}
