/** `summary.json`: one row a trial, as the command's contract fixes them, and what they were computed on. */
import type { Overrides, PruningReport } from '@espalier/core';
import type { MeasureDescription, ScaleName, Task, TrainingSettings } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import type { Executor } from './executors/executor.js';
import { thisMachine, type Machine } from './machine.js';
import type { Verdict } from './judge.js';
import { describe } from './measure.js';
import { measuresOf } from './measures-of.js';
import type { TuningNote } from './tune/settings-file.js';
import {
  prunerName,
  type Fingerprint,
  type ProductCosts,
  type Trial,
  type TrialOutcome,
  type UsedAccelerator,
} from './trial/trial.js';

type Values = Readonly<Record<string, number | null>>;

/** Measures put their values at the places that they name; those here are fixed by the contract. */
export interface Row {
  readonly pruner: string;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  /** Null for the dense baseline. */
  readonly allocation: string | null;
  /** What single kernels had of their own, where some had. */
  readonly overrides?: Overrides;
  readonly seed: number;
  /** The strategy's; absent of the dense baseline. */
  readonly settings?: unknown;
  /** How it trained otherwise than the workload says, where it did. */
  readonly training?: TrainingSettings;
  readonly status: 'ok' | 'diverged' | 'failed';
  /** The quality; null unless the status is `ok`. */
  readonly metrics: (Values & { readonly loss: number }) | null;
  readonly achieved: { readonly prunedLayers: number; readonly model: number } | null;
  /** `denseStepMs` is of the dense baseline of the same seed. */
  readonly timing: Values & {
    readonly stepMs: number | null;
    readonly denseStepMs: number | null;
    readonly totalMs: number | null;
  };
  readonly fingerprint: Fingerprint | null;
  /** Kernel by kernel, what was pruned and what was left dense, and why. */
  readonly report: PruningReport | null;
  /** Why it failed. */
  readonly message?: string;
  /** The kinds of processor that trained it, where there were several: its bits are of none of them. */
  readonly processors?: readonly string[];
  readonly [group: string]: unknown;
}

export interface Environment extends Machine {
  readonly backend: string;
  readonly device: string;
  readonly kind: Executor['backend']['kind'];
  /** What multiplied faster than the backend alone. */
  readonly accelerators: readonly UsedAccelerator[];
  /** In each trial. */
  readonly threads: number;
  readonly jobs: number;
  /**
   * What products cost, in multiply-adds of a dense one, as they were timed for the choices of sparse phases; null
   * where none were.
   */
  readonly productCosts: readonly ProductCosts[] | null;
  readonly tfjs: string;
  readonly date: string;
}

/** What a comparison says of a claim that it was made to decide. */
export interface SummaryClaim {
  readonly id: string;
  readonly statement: string;
  readonly verdict: Verdict;
  /** The key of the measure that it is about. */
  readonly measure: string;
  /** Mean over seeds of the paired difference, above zero where the claim is right; null where there is none. */
  readonly difference: number | null;
  /** At the level that Holm's method gives this claim among all; null of fewer than two pairs. */
  readonly interval: readonly [low: number, high: number] | null;
  /** The smallest difference that the seeds would have decided. */
  readonly smallest: number | null;
  /** Of pairs, of as many as there are seeds: less where a side diverged, and then nothing is decided. */
  readonly count: number;
  readonly asked: number;
  /** What the paper saw, in words. */
  readonly paper?: string;
}

export interface Summary {
  readonly schemaVersion: 1;
  readonly workload: string;
  /** How much of its recipe; absent of a workload that was handed over as it is. */
  readonly scale?: ScaleName;
  readonly task: string;
  readonly epochs: number;
  /** By which examples it was judged, where not by the test split. */
  readonly split?: 'validation';
  /** How the settings were chosen, where they were. */
  readonly tuning?: TuningNote;
  /** What the paired differences are taken against. */
  readonly reference: string;
  readonly environment: Environment;
  /** What the rest was computed on, where the summary was merged of several. */
  readonly others?: readonly Environment[];
  /** The command line, where it was one. */
  readonly command?: string;
  /** How many trials there are to be; as many as rows, where absent. */
  readonly planned?: number;
  /** What was measured, in the order of the columns. */
  readonly measures: readonly MeasureDescription[];
  readonly rows: readonly Row[];
  /** Where it was made to decide some. */
  readonly claims?: readonly SummaryClaim[];
}

export function describeEnvironment(
  { backend, accelerators, threads }: Executor,
  jobs: number,
  productCosts: readonly ProductCosts[] | null,
): Environment {
  const { name, device, kind } = backend;
  return {
    ...{ backend: name, device, kind, accelerators, threads, jobs, productCosts },
    tfjs: tf.version['tfjs'] as string,
    ...thisMachine(),
    date: new Date().toISOString(),
  };
}

/** The measures of a summary; of one that does not say, those that its task has. */
export function measuresIn(summary: Pick<Summary, 'measures' | 'task'>): readonly MeasureDescription[] {
  return (summary as Partial<Summary>).measures ?? describeMeasures({ name: summary.task });
}

export function describeMeasures(task: Pick<Task, 'name' | 'measures'>): MeasureDescription[] {
  return measuresOf(task).map(describe);
}

/** Where a measure's value stands in a row. */
function placeOf({ at, key }: MeasureDescription): string[] {
  return (at ?? `metrics.${key}`).split('.');
}

/** A measure's value in a row; null where there is none. */
export function valueIn(row: Row, measure: MeasureDescription): number | null {
  return numberAt(row, placeOf(measure));
}

/** The dense baseline's value of the same seed, where the measure keeps it beside its own. */
export function denseValueIn(row: Row, measure: MeasureDescription): number | null {
  const { denseKey } = measure;
  return denseKey === undefined ? null : numberAt(row, [...placeOf(measure).slice(0, -1), denseKey]);
}

function numberAt(row: Row, path: readonly string[]): number | null {
  const value = path.reduce<unknown>(
    (found, key) => (found as Record<string, unknown> | null | undefined)?.[key],
    row,
  );
  return typeof value === 'number' ? value : null;
}

/** @param outcomes in the order of the trials */
export function rowsOf(
  trials: readonly Trial[],
  outcomes: readonly TrialOutcome[],
  measures: readonly MeasureDescription[],
): Row[] {
  const denseOf = new Map(
    trials.flatMap((trial, i) => (trial.pruner ? [] : [[trial.seed, outcomes[i]] as const])),
  );
  return trials.map((trial, i) => {
    const outcome = outcomes[i] as TrialOutcome;
    const { sparsity, blockShape, allocation, overrides, seed, tuned } = trial;
    const failed = outcome.status === 'failed';
    return {
      pruner: prunerName(trial),
      ...{ sparsity, blockShape, allocation: allocation?.name ?? null },
      ...(overrides && { overrides }),
      seed,
      ...(trial.pruner && { settings: trial.pruner.settings }),
      ...(tuned && { training: tuned }),
      status: outcome.status,
      ...groupsOf(outcome, denseOf.get(seed), measures),
      fingerprint: failed ? null : outcome.fingerprint,
      report: failed ? null : outcome.report,
      ...(failed && { message: outcome.message }),
      ...(!failed && outcome.processors && { processors: outcome.processors }),
    };
  });
}

type Groups = Pick<Row, 'metrics' | 'achieved' | 'timing'>;

/**
 * The values at their places. One that a measure does not have is left out of `metrics` and null elsewhere; a group
 * without any value is null, but for `timing`.
 */
function groupsOf(
  outcome: TrialOutcome,
  dense: TrialOutcome | undefined,
  measures: readonly MeasureDescription[],
): Groups {
  const groups: Record<string, Record<string, number | null> | number | null> = { metrics: {}, achieved: {} };
  for (const measure of measures) {
    const [first, second] = placeOf(measure) as [string, string?];
    const value = valueOf(outcome, measure.key);
    if (second === undefined) {
      groups[first] = value;
      continue;
    }
    const group = (groups[first] ??= {}) as Record<string, number | null>;
    if (value !== null || first !== 'metrics') group[second] = value;
    if (measure.denseKey !== undefined) group[measure.denseKey] = dense ? valueOf(dense, measure.key) : null;
  }
  for (const [name, group] of Object.entries(groups)) {
    const empty = group !== null && Object.values(group).every((value) => value === null);
    if (typeof group === 'object' && empty && name !== 'timing') groups[name] = null;
  }
  return groups as unknown as Groups;
}

function valueOf(outcome: TrialOutcome, key: string): number | null {
  return outcome.status === 'failed' ? null : (outcome.measures[key] ?? null);
}
