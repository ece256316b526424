/** Quality against something else: sparsity, block size, speed, the cost of training. A line a strategy. */
import { isPruned, type Difference, type Group } from '@espalier/experiment';

import { draw, sentence, type Spec } from '../vega.js';
import { domainOf, fromZero, leaves, lookChannels, within, type Span } from './looks.js';
import { kebab, type Plot } from './plot.js';
import { DENSE, labelOf, meanOf, type Quantity, type Series } from './series.js';

/** The axis to the right. */
export interface Across {
  readonly key: string;
  /** Over the plot. */
  readonly called: string;
  readonly title: string;
  of(group: Group): Difference | null;
  /** Of points in order, `ordinal` with their labels. */
  readonly labels?: readonly string[];
  /** Whether the dense baseline is a point there; else it is a line across. */
  readonly hasDense: boolean;
}

/** A quantity as the axis to the right. */
export function across(quantity: Quantity, called: string): Across {
  const { key, title } = quantity;
  return { key, called, title, of: (group) => meanOf(group, quantity), hasDense: true };
}

interface Point extends Span {
  readonly strategy: string;
  readonly x: number;
  readonly xLow: number;
  readonly xHigh: number;
  readonly spread: boolean;
}

/** Null where there is nothing to show. */
export async function against(
  series: Series,
  groups: readonly Group[],
  { x, y, title }: { readonly x: Across; readonly y: Quantity; readonly title: string },
): Promise<Plot | null> {
  const shown = x.hasDense && series.dense ? [series.dense, ...groups] : groups;
  const points = shown.flatMap((group) => pointOf(group, x, y)).sort((a, b) => a.x - b.x);
  const pruned = points.filter(({ strategy }) => strategy !== DENSE);
  if (pruned.length === 0) return null;
  const dense = series.dense && meanOf(series.dense, y);
  const yDomain = fromZero(points, domainOf(points, dense ? [dense.mean] : []));
  const places = points.map(({ x, xLow, xHigh }) => ({ mean: x, low: xLow, high: xHigh }));
  const xDomain = fromZero(places, domainOf(places));
  const line = !x.hasDense && dense ? [dense.mean] : [];
  const strategies = new Set(points.map(({ strategy }) => strategy));
  const drawn = points.map((point) => ({
    ...point,
    low: within(point.low, yDomain),
    high: within(point.high, yDomain),
    xLow: within(point.xLow, xDomain),
    xHigh: within(point.xHigh, xDomain),
  }));
  const connected = pruned.length > new Set(pruned.map(({ strategy }) => strategy)).size;
  const scaleX = x.labels
    ? { domain: [0.75, x.labels.length + 0.25], zero: false, nice: false }
    : { domain: xDomain, zero: false, nice: false };
  const looks = lookChannels(series.looks, [...strategies, ...(line.length > 0 ? [DENSE] : [])]);
  const { color, shape, strokeDash } = looks;
  const onX = (field: string): Spec => ({
    field,
    type: 'quantitative',
    title: x.title,
    scale: scaleX,
    axis: x.labels ? labelledAxis(x.labels) : { tickCount: 5, grid: false },
  });
  const onY = (field: string): Spec => ({
    field,
    type: 'quantitative',
    title: y.title,
    scale: { domain: yDomain, zero: false, nice: false },
    axis: { tickCount: 6 },
  });
  const spread = [{ filter: 'datum.spread' }];
  const vertical = { y: onY('low'), y2: { field: 'high' }, color };
  const rule = { type: 'rule', strokeWidth: 1.25, opacity: 0.6 };
  const spec: Spec = {
    data: { values: drawn },
    layer: [
      ...line.map((mean) => ({
        data: { values: [{ strategy: DENSE, mean }] },
        mark: { type: 'rule', strokeWidth: 1.5 },
        encoding: { y: onY('mean'), color, strokeDash },
      })),
      connected && !x.hasDense
        ? {
            transform: spread,
            mark: { type: 'area', opacity: 0.13 },
            encoding: { x: onX('x'), ...vertical },
          }
        : { transform: spread, mark: rule, encoding: { x: onX('x'), ...vertical } },
      ...(x.hasDense
        ? [
            {
              transform: spread,
              mark: rule,
              encoding: { y: onY('mean'), x: onX('xLow'), x2: { field: 'xHigh' }, color },
            },
          ]
        : []),
      ...(connected
        ? [
            {
              mark: { type: 'line', strokeWidth: 1.75 },
              encoding: { x: onX('x'), y: onY('mean'), color, strokeDash },
            },
          ]
        : []),
      {
        mark: { type: 'point', filled: true, size: 48, opacity: 1 },
        encoding: { x: onX('x'), y: onY('mean'), color, shape },
      },
    ],
  };
  const name = kebab(y.key, 'against', x.key, title);
  const heading = sentence(`${y.measure?.title ?? y.key} against ${x.called}${title ? `, ${title}` : ''}`);
  return {
    name,
    title: heading,
    note: noteOf(points, leaves(points, yDomain)),
    svg: await draw(name, heading, spec, 310),
  };
}

function labelledAxis(labels: readonly string[]): Spec {
  return {
    values: labels.map((_, i) => i + 1),
    labelExpr: `${JSON.stringify(labels)}[datum.value - 1]`,
    grid: false,
  };
}

function pointOf(group: Group, x: Across, y: Quantity): Point[] {
  const [place, mean] = [x.of(group), meanOf(group, y)];
  if (!place || !mean) return [];
  const half = mean.halfWidth ?? 0;
  const xHalf = place.halfWidth ?? 0;
  return [
    {
      strategy: isPruned(group) ? labelOf(group.pruner) : DENSE,
      x: place.mean,
      ...{ xLow: place.mean - xHalf, xHigh: place.mean + xHalf },
      ...{ mean: mean.mean, low: mean.mean - half, high: mean.mean + half },
      spread: mean.halfWidth !== null,
    },
  ];
}

export function noteOf(spans: readonly { readonly spread: boolean }[], cut: boolean): string {
  if (!spans.some(({ spread }) => spread)) return 'One seed: there are no intervals.';
  return `Mean and 95% interval over the seeds (Student's t)${cut ? '; intervals that leave the picture are cut off' : ''}.`;
}
