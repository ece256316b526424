/**
 * The comparison table: one line a strategy, target and allocation, aggregated over seeds, as columns of text that the
 * formats draw. What is measured comes as a list; no measure is known here.
 */
import type { Overrides } from '@espalier/core';
import { formatNumber, type MeasureDescription } from '@espalier/workloads';

import { pairedDifference, spread } from '../statistics.js';
import { denseValueIn, measuresIn, valueIn, type Row, type Summary } from '../summary.js';
import { isPruned, targetText } from './target.js';

interface Column {
  readonly title: string;
  /** As a measure's; null of a column that says which line it is. */
  readonly importance: number | null;
  /** The cell of the rows of one strategy and target, all seeds. */
  cell(group: Group, reference: Group | null): string;
}

/** The rows of one strategy, target and allocation: all seeds. */
export interface Group {
  readonly pruner: string;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly allocation: string | null;
  readonly overrides?: Overrides;
  readonly rows: readonly Row[];
}

/** Where there is nothing to say: a run that diverged, as in the paper, or a measure that does not apply. */
export const NOTHING = '—';

export interface TextColumn extends Pick<Column, 'title' | 'importance'> {
  /** One a line. */
  readonly cells: readonly string[];
}

/** The table as text, column by column. */
export function textColumns(summary: Summary): TextColumn[] {
  const groups = groupRows(summary.rows);
  const references = groups.map((group) => referenceFor(group, groups, summary.reference));
  return columnsFor(summary).map((column) => ({
    title: column.title,
    importance: column.importance,
    cells: groups.map((group, i) => column.cell(group, references[i] ?? null)),
  }));
}

/** The table as text, its first row the titles. */
export function cells(summary: Summary): string[][] {
  const columns = textColumns(summary);
  const lines = columns[0]?.cells ?? [];
  return [
    columns.map(({ title }) => title),
    ...lines.map((_, i) => columns.map((column) => column.cells[i] as string)),
  ];
}

function columnsFor(summary: Summary): Column[] {
  const pruned = summary.rows.filter(isPruned);
  const targets = new Set(pruned.map(targetText));
  const allocations = new Set(pruned.map(({ allocation }) => allocation));
  return [
    { title: 'strategy', importance: null, cell: ({ pruner }) => pruner },
    ...(targets.size > 1 ? [targetColumn] : []),
    ...(allocations.size > 1 ? [allocationColumn] : []),
    ...measuresIn(summary).flatMap((measure) => columnsOf(measure, summary)),
  ];
}

const targetColumn: Column = {
  title: 'target',
  importance: null,
  cell: (group) => (isPruned(group) ? targetText(group) : NOTHING),
};

const allocationColumn: Column = {
  title: 'allocation',
  importance: null,
  cell: ({ allocation }) => allocation ?? NOTHING,
};

/** Of a measure that does not say. */
const USUAL_IMPORTANCE = 8;
const OF_DIFFERENCES = 7;

function columnsOf(measure: MeasureDescription, { rows, reference }: Summary): Column[] {
  const { title, optional, difference, importance = USUAL_IMPORTANCE } = measure;
  if (title === null) return [];
  if (optional && rows.every((row) => valueIn(row, measure) === null)) return [];
  return [
    { title, importance, cell: (group) => overSeeds(group, measure) },
    ...(difference ? [differenceFrom(reference, title, measure)] : []),
  ];
}

/** The mean; with the standard deviation and the number of seeds where some have no value, or the ratio to dense. */
function overSeeds({ rows }: Group, measure: MeasureDescription): string {
  const values = spread(numbers(rows.map((row) => valueIn(row, measure))));
  if (!values) return NOTHING;
  const mean = formatNumber(values.mean, measure.format);
  if (measure.spread) {
    const { deviation, count } = values;
    const around = deviation === null ? '' : ` ± ${formatNumber(deviation, measure.format)}`;
    return `${mean}${around}${count < rows.length ? ` (${count} of ${rows.length})` : ''}`;
  }
  const ratio = spread(
    numbers(
      rows.map((row) => {
        const [value, dense] = [valueIn(row, measure), denseValueIn(row, measure)];
        return value !== null && dense !== null ? value / dense : null;
      }),
    ),
  );
  return ratio ? `${mean} (${ratio.mean.toFixed(2)})` : mean;
}

/** Of each seed that has one, a measure's value. */
export function valuesBySeed({ rows }: Group, measure: MeasureDescription): Map<number, number> {
  return new Map(
    rows.flatMap((row) => {
      const value = valueIn(row, measure);
      return value === null ? [] : [[row.seed, value] as const];
    }),
  );
}

function differenceFrom(referenceName: string, title: string, measure: MeasureDescription): Column {
  return {
    title: `Δ ${title} from ${referenceName}, 95% CI`,
    importance: OF_DIFFERENCES,
    cell(group, reference) {
      if (!reference || reference === group) return NOTHING;
      const difference = pairedDifference(valuesBySeed(group, measure), valuesBySeed(reference, measure));
      if (!difference) return NOTHING;
      const text = (value: number) => formatNumber(value, measure.format);
      const { mean, halfWidth } = difference;
      return `${mean < 0 ? '−' : '+'}${text(Math.abs(mean))}${halfWidth === null ? '' : ` ± ${text(halfWidth)}`}`;
    },
  };
}

/** In the order of the rows. */
export function groupRows(rows: readonly Row[]): Group[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = [row.pruner, targetText(row), row.allocation].join(' ');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((members) => ({ ...(members[0] as Row), rows: members }));
}

/**
 * The reference strategy at the group's own target, and under its allocation where the reference has several; the
 * dense baseline has only one.
 */
export function referenceFor(group: Group, groups: readonly Group[], name: string): Group | null {
  const named = groups.filter((other) => other.pruner === name);
  if (name === 'dense') return named[0] ?? null;
  const there = named.filter((other) => targetText(other) === targetText(group));
  const sameAllocation = there.find((other) => other.allocation === group.allocation);
  return sameAllocation ?? (there.length === 1 ? (there[0] as Group) : null);
}

function numbers(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}
