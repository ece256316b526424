/** What a report is drawn from: a summary, and what its trials left behind. */
import { anObject, assertArgument, listOf } from '@espalier/core';
import {
  isPruned,
  targetText,
  type MaskRecord,
  type Row,
  type StepMetrics,
  type Store,
  type Summary,
  type Trial,
  type TrialResult,
} from '@espalier/experiment';

export interface TrialRecord {
  /** The name of its place in the store. */
  readonly name: string;
  readonly trial: Trial;
  /** Null of one that has not ended. */
  readonly result: TrialResult | null;
  /** What was measured step by step; empty where that is not known. */
  readonly steps: readonly StepMetrics[];
  /** Null of the dense baseline, and of one that has not ended. */
  readonly masks: MaskRecord | null;
  /** The files of its saved model, by their paths within its place; empty where none was saved. */
  readonly models: readonly string[];
  /** Where these lie, as links reach them. */
  readonly place: string;
}

export interface Compared {
  readonly summary: Summary;
  /** What is known of the trials, their order of no account; without any, a report has what the summary has. */
  readonly trials: readonly TrialRecord[];
}

/** @throws TypeError for what is no comparison */
export function assertCompared(of: string, compared: Compared): void {
  assertArgument(of, 'compared', compared, anObject('{ summary, trials }'));
  assertSummary(of, compared.summary);
  const records = listOf(anObject('{ trial, result, steps, masks }'), 'a list of what readTrials() returns');
  assertArgument(of, 'trials', compared.trials, records);
}

/** @throws TypeError for what is no summary */
export function assertSummary(of: string, summary: Summary): void {
  const aSummary = anObject('a summary, as compare() returns it', { rows: 'object', workload: 'string' });
  assertArgument(of, 'summary', summary, aSummary);
}

/**
 * What lies in a store of its trials. What is damaged there is left out: the summary has the results.
 *
 * @param folder where the store lies, as links of the page reach it; the page's own folder when absent
 */
export async function readTrials(store: Store, folder = '.'): Promise<TrialRecord[]> {
  const names = [...(await store.trials())].sort();
  const records: TrialRecord[] = [];
  for (const name of names) {
    const place = store.trial(name);
    const orNull = <T>(read: Promise<T>): Promise<T | null> => read.catch(() => null);
    const trial = await orNull(place.trial());
    if (!trial) continue;
    const result = await orNull(place.result());
    const [steps, masks] = [await orNull(place.metrics.read()), await orNull(place.masks())];
    const models = (await orNull(place.models()))?.files.map(({ path }) => path) ?? [];
    const at = `${folder}/trials/${name}`;
    records.push({ name, trial, result, steps: steps ?? [], masks, models, place: at });
  }
  return records;
}

/** What is known of the trial that a row is of: the one of its slot with its numbers. */
export function recordOf({ trials }: Compared, row: Row): TrialRecord | null {
  const found = trials.find(
    ({ trial, result }) =>
      result !== null &&
      slotOf(trial) === slotOf(row) &&
      result.status === row.status &&
      result.fingerprint.init === row.fingerprint?.init &&
      result.fingerprint.data === row.fingerprint.data &&
      (row.metrics === null || result.measures['loss'] === row.metrics.loss),
  );
  return found ?? null;
}

/** Trials that have begun and of which no row is. */
export function unended({ summary, trials }: Compared): TrialRecord[] {
  const ended = new Set(summary.rows.map(slotOf));
  return trials.filter(({ trial, result }) => result === null && !ended.has(slotOf(trial)));
}

function slotOf(of: Row | Trial): string {
  const pruner = typeof of.pruner === 'string' ? of.pruner : (of.pruner?.name ?? 'dense');
  if (!isPruned({ pruner })) return `dense ${of.seed}`;
  const allocation = typeof of.allocation === 'string' ? of.allocation : of.allocation?.name;
  return [pruner, targetText(of), allocation, of.seed].join(' ');
}
