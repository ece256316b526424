/** What competes in a tuning: the settings of one strategy at one target, or of the dense baseline. */
import { placePhases } from '@espalier/core';
import type { MeasureDescription, TrainingSettings } from '@espalier/workloads';

import { UsageError } from '../errors.js';
import type { Strategy } from '../plan.js';
import { canonicalJson } from '../trial/hashes.js';
import { prunerName, type Trial, type TrialOutcome, type TrialTarget } from '../trial/trial.js';
import type { Configuration } from './configurations.js';
import type { ChosenSettings, TriedSettings } from './settings-file.js';

type ContestTarget = Pick<TrialTarget, 'sparsity' | 'blockShape'>;

export interface Contest {
  /** `dense` for the baseline. */
  readonly name: string;
  /** Null of the baseline. */
  readonly target: ContestTarget | null;
  /** The strategy's own settings first. */
  readonly candidates: readonly Candidate[];
}

export interface Candidate {
  readonly settings: Configuration;
  readonly training: TrainingSettings;
  /** With these settings, at the contest's target; null of the dense baseline. */
  readonly strategy: Strategy | null;
  /** What it came to in each round that it was in, the shortest first. */
  readonly results: Result[];
}

interface Result {
  readonly epochs: number;
  /** Mean over seeds, on the validation split; null where it diverged, or does not fit so short a training. */
  readonly value: number | null;
}

/** What a trial has of a candidate: by it, results are told apart. */
export function keyOfTrial(trial: Trial): string {
  const { pruner, sparsity, blockShape, tuned = {} } = trial;
  const target = pruner ? { sparsity, blockShape } : null;
  return canonicalJson([prunerName(trial), pruner?.settings ?? null, target, tuned]);
}

export function keyOfCandidate({ target }: Contest, { strategy, training }: Candidate): string {
  const { name = 'dense', settings = null } = strategy?.pruner ?? {};
  const at = target && { sparsity: target.sparsity, blockShape: target.blockShape };
  return canonicalJson([name, settings, at, training]);
}

/**
 * @throws UsageError for settings that make no difference to what the strategy says that it was made with: of two trials
 *   one would be taken for the other
 */
export function assertToldApart({ name, candidates }: Contest): void {
  const known = new Map<string, string>();
  for (const { settings, strategy } of candidates) {
    // Without any it may well be what some of the others are.
    if (!strategy || Object.keys(settings).length === 0) continue;
    const said = canonicalJson(strategy.pruner.settings);
    const before = known.get(said);
    if (before !== undefined && before !== canonicalJson(settings)) {
      throw new UsageError(
        `The strategy '${name}' has the same \`settings\` whatever ${Object.keys(settings).join(', ')} is: have it list what it was made with, so that its trials are told apart`,
      );
    }
    known.set(said, canonicalJson(settings));
  }
}

/** Whether its phases have room in so many steps. */
export function fits({ strategy }: Candidate, totalSteps: number): boolean {
  if (!strategy) return true;
  try {
    placePhases(strategy.pruner.search.phases, totalSteps);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The best of the longest training in which one has a value; without any, those that were first. */
export function ranked(
  candidates: readonly Candidate[],
  { better }: Pick<MeasureDescription, 'better'>,
): Candidate[] {
  const sign = better === 'higher' ? -1 : 1;
  return [...candidates].sort((a, b) => {
    const [x, y] = [last(a), last(b)];
    if (!x || !y) return Number(!x) - Number(!y);
    return y.epochs - x.epochs || sign * (x.value - y.value);
  });
}

/** The result of its longest training that has a value. */
function last({ results }: Candidate): { readonly epochs: number; readonly value: number } | null {
  const found = results.findLast(({ value }) => value !== null);
  return found ? { epochs: found.epochs, value: found.value as number } : null;
}

/** Over seeds; null where one diverged. */
export function meanOf(outcomes: readonly TrialOutcome[], key: string): number | null {
  const values = outcomes.map((outcome) =>
    outcome.status === 'ok' ? (outcome.measures[key] ?? null) : null,
  );
  if (values.length === 0 || values.includes(null)) return null;
  return (values as number[]).reduce((sum, value) => sum + value, 0) / values.length;
}

/** @param fixed settings of the strategy that were not to be chosen */
export function chosenOf(
  { name, target, candidates }: Contest,
  measure: Pick<MeasureDescription, 'better'>,
  fixed: Configuration,
): ChosenSettings {
  const best = ranked(candidates, measure)[0]!;
  const own = candidates[0]!;
  const { value = null, epochs = 0 } = last(best) ?? {};
  const ownLast = last(own);
  return {
    ...{ strategy: name, target, settings: { ...fixed, ...best.settings }, training: best.training },
    ...{ value, epochs },
    own: { value: ownLast?.value ?? null, epochs: ownLast?.epochs ?? 0 },
  };
}

export function triedOf({ name, target, candidates }: Contest): TriedSettings[] {
  return candidates.flatMap(({ settings, training, results }) =>
    results.map(({ epochs, value }) => ({ strategy: name, target, settings, training, epochs, value })),
  );
}
