/** What `tune` writes and `compare --settings` reads: the settings chosen for each strategy at each target, and how. */
import type { TrainingSettings } from '@espalier/workloads';
import { z } from 'zod';

import { UsageError } from '../errors.js';
import { isTarget, type Strategy } from '../plan.js';
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
  /** Mean over seeds, on the validation split, of the last round; null where all diverged. */
  readonly value: number | null;
  /** The same of the strategy's own settings, in the last round that they were in. */
  readonly own: { readonly value: number | null; readonly epochs: number };
}

/** One that was tried. */
export interface TriedSettings extends Pick<ChosenSettings, 'strategy' | 'target' | 'settings' | 'training'> {
  readonly epochs: number;
  readonly value: number | null;
}

export interface TunedSettings {
  readonly schemaVersion: 1;
  readonly kind: 'espalier-settings';
  readonly workload: string;
  readonly scale: string | null;
  readonly date: string;
  readonly tuning: TuningNote;
  readonly chosen: readonly ChosenSettings[];
  readonly tried: readonly TriedSettings[];
}

const value = z.number().nullable();
const target = z.object({ sparsity: z.number(), blockShape: z.tuple([z.int(), z.int()]) }).nullable();
const settings = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const training = z.strictObject({
  learningRateFactor: z.number().optional(),
  weightDecay: z.number().optional(),
});
const of = { strategy: z.string(), target, settings, training };

const schema = z.object({
  schemaVersion: z.literal(1),
  kind: z.literal('espalier-settings'),
  workload: z.string(),
  scale: z.string().nullable(),
  date: z.string(),
  tuning: z.object({
    by: z.string(),
    search: z.enum(['random', 'grid']),
    seed: z.int(),
    seeds: z.array(z.int()),
    epochs: z.int(),
    rounds: z.array(z.object({ epochs: z.int(), configurations: z.int() })),
    spent: z.number(),
  }),
  chosen: z.array(z.object({ ...of, value, own: z.object({ value, epochs: z.int() }) })),
  tried: z.array(z.object({ ...of, epochs: z.int(), value })),
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
}

/** @throws UsageError for those of another workload or scale, and for seeds that the settings were chosen with */
export function assertFits(tuned: TunedSettings, { path, workload, scale, seeds }: Use): void {
  const called = (name: string, at: string | null) => (at ? `${name} at scale ${at}` : name);
  if (tuned.workload !== workload || tuned.scale !== scale) {
    throw new UsageError(
      `The settings of ${path} are for ${called(tuned.workload, tuned.scale)}, and ${called(workload, scale)} is compared: run espalier tune for it`,
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
