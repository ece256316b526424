/**
 * A comparison as plots see it: strategies with their looks, groups of rows with their means and intervals, and which
 * groups a plot shows together.
 */
import {
  groupRows,
  isPruned,
  meanInterval,
  measuresIn,
  referenceFor,
  targetText,
  valueIn,
  type Difference,
  type Group,
  type Row,
  type Summary,
} from '@espalier/experiment';
import { formatNumber, percent, type MeasureDescription } from '@espalier/workloads';

import { lookOf, type Look } from '../palette.js';
import { recordOf, type Compared } from '../report.js';
import { wrapped } from '../vega.js';

export interface Series {
  readonly compared: Compared;
  readonly summary: Summary;
  readonly groups: readonly Group[];
  readonly dense: Group | null;
  /** Groups of one block shape, allocation and overrides: what one plot shows. */
  readonly variants: readonly Variant[];
  /** Of quality, those that have values; the one that ranks first. */
  readonly qualities: readonly Quantity[];
  readonly seeds: readonly number[];
  /** By strategy, as labels have it. */
  readonly looks: ReadonlyMap<string, Look>;
}

interface Variant {
  /** Empty where there is but one. */
  readonly title: string;
  readonly groups: readonly Group[];
}

/** What an axis shows. */
export interface Quantity {
  readonly key: string;
  readonly title: string;
  /** Of a row, as the axis counts; null where it has none. */
  of(row: Row): number | null;
  readonly better: 'higher' | 'lower' | null;
  /** In text. */
  text(value: number): string;
  readonly measure?: MeasureDescription;
}

export const DENSE = 'dense';

export function seriesOf(compared: Compared): Series {
  const { summary } = compared;
  const groups = groupRows(summary.rows);
  const pruned = groups.filter(isPruned);
  const begun = compared.trials.flatMap(({ trial: { pruner } }) => pruner?.name ?? []);
  const names = [...new Set([...pruned.map(({ pruner }) => pruner), ...begun])];
  return {
    ...{ compared, summary, groups },
    dense: groups.find((group) => !isPruned(group)) ?? null,
    variants: variantsOf(pruned),
    qualities: qualitiesOf(summary),
    seeds: [...new Set(summary.rows.map(({ seed }) => seed))],
    looks: new Map([
      [DENSE, lookOf(null)],
      ...names.map((name, i): [string, Look] => [labelOf(name), lookOf(i)]),
    ]),
  };
}

/** A strategy's name as plots write it. */
export function labelOf(pruner: string): string {
  return wrapped(pruner, 21);
}

export function sparsityText(sparsity: number): string {
  return formatNumber(sparsity, { ...percent, digits: 2 }).replace(/\.?0+%$/, '%');
}

/** Whether a strategy has several at one target; else each has its own, and all stand beside each other. */
export function allocationsAreCompared(pruned: readonly Group[]): boolean {
  const slots = pruned.map((group) => `${group.pruner} ${targetText(group)}`);
  return new Set(slots).size < slots.length;
}

function variantsOf(pruned: readonly Group[]): Variant[] {
  const blocks = new Set(pruned.map(({ blockShape }) => blockShape.join('×')));
  const several = allocationsAreCompared(pruned);
  const variants = new Map<string, Group[]>();
  for (const group of pruned) {
    const { blockShape, allocation, overrides } = group;
    const title = [
      ...(blocks.size > 1 ? [blockShape.join('×')] : []),
      ...(several && allocation ? [allocation] : []),
      ...(overrides ? ['with overrides'] : []),
    ].join(', ');
    variants.set(title, [...(variants.get(title) ?? []), group]);
  }
  return [...variants].map(([title, groups]) => ({ title, groups }));
}

function qualitiesOf(summary: Summary): Quantity[] {
  const found = measuresIn(summary)
    .filter(
      ({ at, better, spread, key }) => at === undefined && better !== null && (spread || key === 'loss'),
    )
    .filter((measure) => summary.rows.some((row) => valueIn(row, measure) !== null))
    .map(quantityOf);
  const [loss, others] = [
    found.filter(({ key }) => key === 'loss'),
    found.filter(({ key }) => key !== 'loss'),
  ];
  // Of a classifier its accuracy ranks before its loss; what only some have, such as support recovery, comes last.
  const ranks = others.filter(({ measure }) => !measure?.optional);
  return [...ranks, ...loss, ...others.filter(({ measure }) => measure?.optional)];
}

function quantityOf(measure: MeasureDescription): Quantity {
  const { key, format, better } = measure;
  const { scale = 1, unit = '' } = format;
  return {
    ...{ key, better, measure },
    title: `${measure.title ?? key}${unit ? `, ${unit}` : ''}`,
    of(row) {
      const value = valueIn(row, measure);
      return value === null ? null : value * scale;
    },
    text: (value) => formatNumber(value / scale, format),
  };
}

/** The mean of a quantity over the seeds, with its 95% interval. */
export function meanOf(group: Pick<Group, 'rows'>, quantity: Pick<Quantity, 'of'>): Difference | null {
  return meanInterval(group.rows.map((row) => quantity.of(row)).filter((value) => value !== null));
}

/** Of the dense baseline with the row's seed. */
function denseRow({ dense }: Series, row: Row): Row | null {
  return dense?.rows.find(({ seed }) => seed === row.seed) ?? null;
}

/** The reference strategy's group that one is compared with. */
export function referenceOf({ groups, summary }: Series, group: Group): Group | null {
  const reference = referenceFor(group, groups, summary.reference);
  return reference === group ? null : reference;
}

/** How many times fewer multiply-adds a prediction takes than the dense model's. */
export const THEORETICAL: Quantity = {
  key: 'theoretical-speed-up',
  title: 'theoretical speed-up, × fewer multiply-adds',
  of: (row) => numberAt(row, 'cost', 'theoreticalSpeedUp') ?? (isPruned(row) ? null : 1),
  better: 'higher',
  text: (value) => `${value.toFixed(1)}×`,
};

/** How many times faster the block-sparse model predicts than the dense baseline of the same seed. */
export function measuredSpeedUp(series: Series): Quantity {
  return {
    key: 'measured-speed-up',
    title: 'measured speed-up of predicting, ×',
    of(row) {
      if (!isPruned(row)) return 1;
      const dense = denseRow(series, row);
      const [whole, sparse] = [
        dense && numberAt(dense, 'timing', 'predictMs'),
        numberAt(row, 'blockSparse', 'predictMs'),
      ];
      return whole && sparse ? whole / sparse : null;
    },
    better: 'higher',
    text: (value) => `${value.toFixed(2)}×`,
  };
}

/**
 * What training takes in multiply-adds of kept weights, of the dense baseline's: the mean over the steps. Between none and
 * all of what the final masks save, a step saves as much as its sparsity is of the final one.
 */
export function trainingMultiplyAdds({ compared }: Series): Quantity {
  return {
    key: 'training-multiply-adds',
    title: "training's multiply-adds, × dense",
    of(row) {
      if (!isPruned(row)) return 1;
      const steps = recordOf(compared, row)?.steps ?? [];
      const final = row.achieved?.prunedLayers;
      const [all, kept] = [numberAt(row, 'cost', 'multiplyAdds'), numberAt(row, 'cost', 'keptMultiplyAdds')];
      if (steps.length === 0 || !final || !all || kept === null) return null;
      const saved = 1 - kept / all;
      const mean = steps.reduce((sum, { sparsity }) => sum + sparsity, 0) / steps.length;
      return 1 - (saved * mean) / final;
    },
    better: 'lower',
    text: (value) => `${value.toFixed(2)}×`,
  };
}

export function trainingTime({ summary }: Series): Quantity {
  const longest = Math.max(...summary.rows.map((row) => row.timing?.totalMs ?? 0));
  const [unit, ms] =
    longest < 120_000 ? ['s', 1000] : longest < 7_200_000 ? ['min', 60_000] : ['h', 3_600_000];
  return {
    key: 'training-time',
    title: `training time, ${unit}`,
    of: ({ timing }) => (timing?.totalMs == null ? null : timing.totalMs / (ms as number)),
    better: 'lower',
    text: (value) => `${value.toPrecision(3)} ${unit}`,
  };
}

function numberAt(row: Row, group: string, key: string): number | null {
  const value = (row[group] as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
