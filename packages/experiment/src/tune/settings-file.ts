/** What `tune` writes and `compare --settings` reads: the settings chosen for each strategy at each target, and how. */
import type { AllocationName, Overrides } from '@espalier/core';
import type { TrainingSettings } from '@espalier/workloads';
import { z } from 'zod';

import { UsageError } from '../errors.js';
import { isTarget, type Strategy } from '../plan.js';
import { canonicalJson } from '../trial/hashes.js';
import type { TrialTarget } from '../trial/trial.js';
import type { Configuration } from './configurations.js';

/** How settings were chosen. */
export interface TuningNote {
  /** The key of the measure that they were judged by, on the validation split. */
  readonly by: string;
  readonly search: 'random' | 'grid';
  /** Of the points that were drawn. */
  readonly seed: number;
  /** Of the trials. */
  readonly seeds: readonly number[];
  /** The whole length of training. */
  readonly epochs: number;
  readonly rounds: readonly { readonly epochs: number; readonly configurations: number }[];
  /** What each strategy spent at each target, in trials of the whole length. */
  readonly spent: number;
}

type Target = Pick<TrialTarget, 'sparsity' | 'blockShape'>;

/** The settings that did best, and what they came to; of the dense baseline, the target is null. */
export interface ChosenSettings {
  readonly strategy: string;
  readonly target: Target | null;
  readonly settings: Configuration;
  readonly training: TrainingSettings;
  /** Mean over seeds, on the validation split, of the longest training that did not diverge; null where all did. */
  readonly value: number | null;
  /** Of that training; 0 where all diverged. */
  readonly epochs: number;
  /** The same of the strategy's own settings. */
  readonly own: { readonly value: number | null; readonly epochs: number };
}

/** One that was tried. */
export type TriedSettings = Omit<ChosenSettings, 'own'>;

export interface TunedSettings {
  readonly schemaVersion: 1;
  readonly kind: 'espalier-settings';
  readonly workload: string;
  readonly scale: string | null;
  readonly date: string;
  /** Beside the workload's own, where there were some. */
  readonly overrides?: Overrides;
  /** For all strategies, where there was one. */
  readonly allocation?: AllocationName;
  readonly tuning: TuningNote;
  readonly chosen: readonly ChosenSettings[];
  readonly tried: readonly TriedSettings[];
}

const value = z.number().nullable();
const target = z.object({ sparsity: z.number(), blockShape: z.tuple([z.int(), z.int()]) }).nullable();
const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const training = z.strictObject({
  learningRateFactor: z.number().positive().optional(),
  weightDecay: z.number().nonnegative().optional(),
});
const one = { strategy: z.string(), target, settings, training, epochs: z.int(), value };

const schema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('espalier-settings'),
  workload: z.string(),
  scale: z.string().nullable(),
  date: z.string(),
  overrides: z.record(z.string(), z.unknown()).optional(),
  allocation: z.string().optional(),
  tuning: z.object({
    by: z.string(),
    search: z.enum(['random', 'grid']),
    seed: z.int(),
    seeds: z.array(z.int()),
    epochs: z.int(),
    rounds: z.array(z.object({ epochs: z.int(), configurations: z.int() })),
    spent: z.number(),
  }),
  chosen: z.array(z.object({ ...one, own: z.object({ value, epochs: z.int() }) })),
  tried: z.array(z.object(one)),
}) as unknown as z.ZodType<TunedSettings>;

/**
 * @param path where the text is from, for messages
 * @throws UsageError for what `tune` did not write
 */
export function parseSettings(text: string, path: string): TunedSettings {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is damaged (${(error as Error).message}): run espalier tune again`);
  }
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const { path: place = [], message } = parsed.error.issues[0] ?? {};
  throw new UsageError(
    `${path} is no file of settings (${[place.join('.'), message].filter(Boolean).join(': ')}): give one that espalier tune wrote`,
  );
}

/** What the settings are to be used for. */
export interface Use {
  readonly path: string;
  readonly workload: string;
  readonly scale: string | null;
  readonly seeds: readonly number[];
  readonly epochs: number;
  readonly overrides?: Overrides | undefined;
  /** For all strategies; empty where it is the workload's or each strategy's to say. */
  readonly allocations?: readonly AllocationName[] | undefined;
}

/**
 * @throws UsageError for those of another workload, scale, length, allocation or override, and for seeds that the settings
 *   were chosen with
 */
export function assertFits(tuned: TunedSettings, use: Use): void {
  const { path, workload, scale, seeds, epochs, overrides = {}, allocations = [] } = use;
  const called = (name: string, at: string | null) => (at ? `${name} at scale ${at}` : name);
  if (tuned.workload !== workload || tuned.scale !== scale) {
    throw new UsageError(
      `The settings of ${path} are for ${called(tuned.workload, tuned.scale)}, and ${called(workload, scale)} is compared: run espalier tune for it`,
    );
  }
  const others: [string, unknown, unknown][] = [
    ['epochs', tuned.tuning.epochs, epochs],
    ['overrides', tuned.overrides ?? {}, overrides],
    ['allocation', tuned.allocation ?? 'each its own', allocations.join() || 'each its own'],
  ];
  for (const [what, before, now] of others) {
    if (canonicalJson(before) === canonicalJson(now)) continue;
    throw new UsageError(
      `The settings of ${path} were chosen with other ${what}, ${JSON.stringify(before)}, than the comparison's, ${JSON.stringify(now)}: run espalier tune for it`,
    );
  }
  const known = seeds.filter((seed) => tuned.tuning.seeds.includes(seed));
  if (known.length === 0) return;
  throw new UsageError(
    `The settings of ${path} were chosen with the seeds ${tuned.tuning.seeds.join(', ')}: compare with others than ${known.join(', ')}`,
  );
}

/** @throws UsageError where none were chosen for it */
export function chosenFor(
  { chosen }: TunedSettings,
  strategy: string,
  target: Target | null,
  path: string,
): ChosenSettings {
  const ofStrategy = chosen.filter((one) => one.strategy === strategy);
  const found = ofStrategy.find(
    (one) => one.target === target || (one.target && target && isTarget(one.target, target)),
  );
  if (found) return found;
  const text = ({ sparsity, blockShape }: Target) => `${sparsity} ${blockShape.join('x')}`;
  if (ofStrategy.length === 0) {
    const names = [...new Set(chosen.map((one) => one.strategy))];
    throw new UsageError(
      `${path} has no settings of ${strategy}, and comparing tuned with untuned strategies would be unfair: it has ${names.join(', ')}`,
    );
  }
  throw new UsageError(
    `${path} has no settings of ${strategy} at ${target ? text(target) : 'no target'}: it has ${ofStrategy.map((one) => (one.target ? text(one.target) : 'no target')).join(', ')}`,
  );
}

/** A strategy as a tuning chose it, of that one target. */
export function strategyFor(strategy: Strategy, { training, target }: ChosenSettings): Strategy {
  return {
    ...strategy,
    ...(Object.keys(training).length > 0 && { training }),
    ...(target && { target }),
  };
}
