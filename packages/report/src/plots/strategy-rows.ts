/** Plots of a row for each strategy: what stands in a row. */
import { INK } from '../palette.js';
import type { Spec } from '../vega.js';
import { within } from './looks.js';

type Channels = Spec;

/** A row for each strategy, in this order. */
export function strategyRows(names: readonly string[]): Channels {
  return {
    y: {
      field: 'strategy',
      type: 'nominal',
      sort: names,
      title: null,
      axis: { ticks: false, domain: false },
    },
  };
}

/** A dashed line through all rows. @param x the channel of the field `at` */
export function lineAt(at: number, x: Channels): Spec {
  return {
    data: { values: [{ at }] },
    mark: { type: 'rule', color: INK.reference.light, strokeDash: [4, 3], strokeWidth: 1.5 },
    encoding: { x, y: { value: 0 }, y2: { value: 'height' } },
  };
}

interface Interval {
  readonly low: number;
  readonly high: number;
  /** Whether there is an interval. */
  readonly spread: boolean;
}

/** From `low` to `high`, cut off where the picture ends. @param x the channel of the field `low` */
export function intervals(
  rows: readonly Interval[],
  domain: readonly [number, number],
  x: Channels,
  color: unknown,
): Spec {
  const values = rows
    .filter(({ spread }) => spread)
    .map((row) => ({ ...row, low: within(row.low, domain), high: within(row.high, domain) }));
  return {
    data: { values },
    mark: { type: 'rule', strokeWidth: 2 },
    encoding: { x, x2: { field: 'high' }, color },
  };
}
