/** Several summaries of one workload as one. */
import { aText, anObject, assertArgument, listOf } from '@espalier/core';

import { aSummary } from '../arguments.js';
import { UsageError } from '../errors.js';
import type { Row, Summary } from '../summary.js';
import { canonicalJson } from '../trial/hashes.js';
import { isPruned, targetText } from './target.js';

export interface NamedSummary {
  /** What it is called in messages: its folder. */
  readonly name: string;
  readonly summary: Summary;
}

interface NamedRow {
  readonly name: string;
  readonly row: Row;
}

/**
 * One summary with the rows of all. A trial that several have counts once, with the times of the first: its fingerprints
 * and its quality are the same to the last digit. Where one has a result and another failed, the result counts. What
 * paired differences are taken against is the first one's; claims stay as they were decided.
 *
 * @throws UsageError, in one line, for workloads, scales, lengths of training or splits that differ, and for tuned settings beside others; and for two
 *   different results of one strategy, target, allocation and seed: a mean over both would be of neither
 */
export function mergeSummaries(parts: readonly NamedSummary[]): Summary {
  const of = 'mergeSummaries()';
  assertArgument(of, 'parts', parts, listOf(anObject('{ name, summary }'), 'a list of { name, summary }'));
  for (const { name, summary } of parts) {
    assertArgument(of, 'name', name, aText('what a summary is called'));
    assertArgument(of, 'summary', summary, aSummary);
  }
  const [first, ...rest] = parts;
  if (!first) throw new RangeError(`${of}: parts is empty, and is to have one summary at least`);
  for (const other of rest) {
    assertAlike(first, other);
    assertTunedAlike(first, other);
  }
  if (rest.length === 0) return first.summary;
  const rows = mergeRows(parts);
  const waiting = parts.reduce(
    (sum, { summary: { planned, rows } }) => sum + Math.max(0, (planned ?? rows.length) - rows.length),
    0,
  );
  const measures = new Map(
    parts.flatMap(({ summary }) =>
      (summary.measures ?? []).map((measure) => [measure.key, measure] as const),
    ),
  );
  const claims = parts.flatMap(({ summary }) => summary.claims ?? []);
  const commands = parts.flatMap(({ summary: { command } }) => command ?? []);
  return {
    ...first.summary,
    others: rest.flatMap(({ summary: { environment, others = [] } }) => [environment, ...others]),
    ...(commands.length > 0 && { command: [...new Set(commands)].join('\n') }),
    ...(claims.length > 0 && { claims }),
    planned: rows.length + waiting,
    ...(first.summary.measures && {
      measures: [...measures.values()].sort((a, b) => a.place - b.place),
    }),
    rows,
  };
}

/** What all must have alike, as messages call it, and what it is where a summary does not say. */
const ALIKE = {
  workload: ['workload', 'none'],
  scale: ['scale', 'none'],
  epochs: ['number of epochs', 'none'],
  split: ['split', 'test'],
} as const;

function assertAlike(first: NamedSummary, other: NamedSummary): void {
  for (const field of Object.keys(ALIKE) as (keyof typeof ALIKE)[]) {
    const [called, absent] = ALIKE[field];
    const [one, two] = [first, other].map(({ summary }) => summary[field] ?? absent);
    if (one === two) continue;
    throw new UsageError(
      `${first.name} is of ${called} ${one}, ${other.name} of ${two}: give folders of one ${called}`,
    );
  }
}

/** A tuned strategy beside one that is not would be no fair comparison. */
function assertTunedAlike(first: NamedSummary, other: NamedSummary): void {
  const [one, two] = [first, other].map(({ summary }) => (summary.tuning ? 'tuned' : 'not tuned'));
  if (one === two) return;
  throw new UsageError(
    `${first.name} has settings that were ${one}, ${other.name} has settings that were ${two}: give folders of one kind`,
  );
}

/** The dense baseline of all first, then as they come. */
function mergeRows(parts: readonly NamedSummary[]): Row[] {
  const bySlot = new Map<string, NamedRow>();
  for (const { name, summary } of parts) {
    for (const row of summary.rows) {
      const slot = slotOf(row);
      const known = bySlot.get(slot);
      if (!known || (known.row.status === 'failed' && row.status !== 'failed'))
        bySlot.set(slot, { name, row });
      else if (row.status !== 'failed') assertSame(known, { name, row }, slot);
    }
  }
  const rows = [...bySlot.values()].map(({ row }) => row);
  return [...rows.filter((row) => !isPruned(row)), ...rows.filter(isPruned)];
}

function slotOf(row: Row): string {
  const { pruner, allocation, seed } = row;
  const target = isPruned(row) ? [targetText(row), allocation ?? ''] : [];
  return [pruner, ...target, `seed ${seed}`].filter(Boolean).join(' ');
}

function assertSame(one: NamedRow, two: NamedRow, slot: string): void {
  const result = ({ row: { status, metrics, achieved, fingerprint } }: NamedRow) =>
    canonicalJson({ status, metrics, achieved, fingerprint });
  if (result(one) === result(two)) return;
  const loss = ({ row: { metrics, status } }: NamedRow) => metrics?.loss ?? status;
  const apart = [one.row, two.row].map(({ fingerprint }) => canonicalJson(fingerprint));
  const what =
    loss(one) !== loss(two)
      ? `loss ${loss(one)} and ${loss(two)}`
      : apart[0] !== apart[1]
        ? 'other weights or data to begin with'
        : 'other numbers';
  throw new UsageError(
    `${slot} has different results in ${one.name} and ${two.name} (${what}): report them apart, or train both in one folder`,
  );
}
