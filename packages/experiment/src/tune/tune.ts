/**
 * Settings chosen for each strategy with the same budget, on the validation split: the test examples are not looked at.
 * The dense baseline is tuned as the strategies are, by its learning rate and weight decay.
 */
import {
  assertOptions,
  aFunction,
  anObject,
  aText,
  listOf,
  oneOf,
  required,
  wholeNumber,
  trueOrFalse,
  aSeed,
  type Pruner,
  type SettingsSpace,
} from '@espalier/core';
import {
  trainingSpace,
  type MeasureDescription,
  type TrainingSettings,
  type Workload,
} from '@espalier/workloads';
import { closest } from 'fastest-levenshtein';

import { aReference, assertCompared } from '../arguments.js';
import { prepareVariants, type CompareOptions } from '../compare.js';
import { UsageError } from '../errors.js';
import type { Work } from '../executors/executor.js';
import { measuresOf } from '../measures-of.js';
import type { Strategy } from '../plan.js';
import { runAll } from '../run-all.js';
import { isQuality } from '../measure.js';
import { memoryStore } from '../store/memory.js';
import { prunerName, type Reference, type TrialOutcome, type TrialTarget } from '../trial/trial.js';
import { configurations, searchKinds, type Configuration, type SearchKind } from './configurations.js';
import { roundsOf, spentBy, type Round } from './rounds.js';
import type { ChosenSettings, TriedSettings, TunedSettings, TuningNote } from './settings-file.js';

/** A strategy whose settings are to be chosen. */
export interface TunedStrategy {
  readonly name: string;
  readonly reference: Reference;
  /** What there is to choose beside learning rate and weight decay; empty of a strategy that declares nothing. */
  readonly space: SettingsSpace;
  /** The strategy with these settings, the rest as it is by itself; `reference.given` is to be the same. */
  make(settings: Configuration): Strategy | Promise<Strategy>;
}

export interface TuneOptions extends Omit<
  CompareOptions,
  'pruners' | 'reference' | 'onSummary' | 'split' | 'tuning' | 'dense' | 'allocations'
> {
  readonly strategies: readonly TunedStrategy[];
  /** What each strategy may spend at each target, in trials of the whole length; 6 when absent. */
  readonly trials?: number | undefined;
  /** How points of the spaces are chosen; at random when absent. */
  readonly search?: SearchKind | undefined;
  /** Of the points that are drawn; 0 when absent. */
  readonly searchSeed?: number | undefined;
  /** Whether the hopeless are left after a short training; true when absent. */
  readonly halving?: boolean | undefined;
  /** The key of the measure that settings are judged by; the loss when absent. */
  readonly by?: string | undefined;
  /** Is told of each round before it begins. */
  readonly onRound?: ((round: Round, number: number, rounds: number) => void) | undefined;
}

const TRIALS = 6;
/** Others than those of workloads, which comparisons use. */
const SEEDS = [100];

/** What competes: one strategy at one target, or the dense baseline. */
interface Contest {
  readonly strategy: TunedStrategy | null;
  readonly target: Pick<TrialTarget, 'sparsity' | 'blockShape'> | null;
  /** Those that are left, the best first once a round is over. */
  candidates: Candidate[];
}

interface Candidate {
  readonly settings: Configuration;
  readonly training: TrainingSettings;
  readonly own: boolean;
  value: number | null;
  epochs: number;
}

/**
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 * @throws UsageError for what cannot be run
 * @throws the signal's reason when it was aborted
 */
export async function tune(options: TuneOptions): Promise<TunedSettings> {
  assertTuned(options);
  const { strategies, search = 'random', searchSeed = 0, halving = true, trials = TRIALS } = options;
  const workload = 'workload' in options.workload ? options.workload.workload : options.workload;
  const seeds = options.seeds ?? SEEDS;
  const epochs = options.epochs ?? workload.defaults.epochs;
  const measure = measureBy(workload, options.by ?? 'loss');
  const rounds = roundsOf(trials, epochs, seeds.length, halving);
  const first = rounds[0]!.configurations;
  const ofTraining = trainingSpace(workload);
  const candidatesOf = (name: string, space: SettingsSpace): Candidate[] =>
    configurations(
      { ...space, ...ofTraining },
      { count: first, search, seed: searchSeed, purpose: name },
    ).map((point, i) => ({ ...apart(point, ofTraining), own: i === 0, value: null, epochs: 0 }));
  const targets = targetsOf(options, workload);
  const contests: Contest[] = [
    { strategy: null, target: null, candidates: candidatesOf('dense', {}) },
    ...strategies.flatMap((strategy) =>
      targets.map((target) => ({
        strategy,
        target,
        candidates: candidatesOf(strategy.name, strategy.space),
      })),
    ),
  ];
  // One store for all rounds.
  const opened = typeof options.store === 'function' ? options.store() : (options.store ?? memoryStore());
  const owns = new Map<Contest, Candidate>();
  const tried: TriedSettings[] = [];
  for (const [i, round] of rounds.entries()) {
    options.onRound?.(round, i + 1, rounds.length);
    for (const contest of contests) contest.candidates = contest.candidates.slice(0, round.configurations);
    const store = async () => opened;
    await trainRound({ ...options, seeds, store }, contests, round, measure.key);
    for (const contest of contests) {
      const own = contest.candidates.find((candidate) => candidate.own);
      if (own) owns.set(contest, { ...own });
      tried.push(...contest.candidates.map((candidate) => triedOf(contest, candidate)));
      contest.candidates.sort((a, b) => worse(a.value, b.value, measure));
    }
  }
  const tuning: TuningNote = {
    ...{ by: measure.key, search, seed: searchSeed, seeds, epochs, rounds },
    spent: Number(spentBy(rounds, epochs, seeds.length).toFixed(3)),
  };
  return {
    schemaVersion: 1,
    kind: 'espalier-settings',
    workload: workload.name,
    scale: workload.scale ?? null,
    date: new Date().toISOString(),
    tuning,
    chosen: contests.map((contest) => chosenOf(contest, owns.get(contest)!)),
    tried,
  };
}

/** Trains all candidates of a round, and notes what they came to. */
async function trainRound(
  options: TuneOptions,
  contests: readonly Contest[],
  { epochs }: Round,
  key: string,
): Promise<void> {
  const denseContest = contests.find(({ strategy }) => strategy === null)!;
  const entered: { readonly contest: Contest; readonly candidate: Candidate; readonly strategy: Strategy }[] =
    [];
  for (const contest of contests) {
    const { strategy, target } = contest;
    if (!strategy) continue;
    for (const candidate of contest.candidates) {
      const { training, settings } = candidate;
      const made = await strategy.make(settings);
      const tuned = Object.keys(training).length > 0 ? { training } : {};
      entered.push({ contest, candidate, strategy: { ...made, ...tuned, target: target! } });
    }
  }
  const prepared = await prepareVariants(
    { ...comparedOf(options), epochs, split: 'validation' },
    entered.map(({ strategy }) => strategy),
    denseContest.candidates.map(({ training }) => training),
  );
  prepared.watcher.planned?.(prepared.works.map(({ trial }) => trial));
  const outcomes = await runAll(prepared.works, { ...prepared, onEnded: async () => {} });
  const seeds = options.seeds ?? SEEDS;
  // In the order in which they were planned: the dense ones, then each strategy, all seeds of one beside each other.
  const all = [
    ...denseContest.candidates.map((candidate) => ({ candidate, name: 'dense' })),
    ...entered.map(({ candidate, strategy }) => ({ candidate, name: strategy.pruner.name })),
  ];
  all.forEach(({ candidate, name }, i) => {
    const own = prepared.works.slice(i * seeds.length, (i + 1) * seeds.length);
    assertIsOf(own, name);
    candidate.value = meanOf(outcomes.slice(i * seeds.length, (i + 1) * seeds.length), key);
    candidate.epochs = epochs;
  });
}

function assertIsOf(works: readonly Work[], name: string): void {
  const other = works.find(({ trial }) => prunerName(trial) !== name);
  if (other) throw new Error(`A trial of ${prunerName(other.trial)} stands in the place of one of ${name}`);
}

/** Over seeds; null where one has none. */
function meanOf(outcomes: readonly TrialOutcome[], key: string): number | null {
  const values = outcomes.map((outcome) =>
    outcome.status === 'ok' ? (outcome.measures[key] ?? null) : null,
  );
  if (values.includes(null)) return null;
  return (values as number[]).reduce((sum, value) => sum + value, 0) / values.length;
}

/** Those without a value come last; among equals those that were first. */
function worse(a: number | null, b: number | null, { better }: MeasureDescription): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return better === 'higher' ? b - a : a - b;
}

function chosenOf({ strategy, target, candidates }: Contest, own: Candidate): ChosenSettings {
  const { settings, training, value } = candidates[0]!;
  return {
    ...{ strategy: strategy?.name ?? 'dense', target, settings, training, value },
    own: { value: own.value, epochs: own.epochs },
  };
}

function triedOf({ strategy, target }: Contest, candidate: Candidate): TriedSettings {
  const { settings, training, epochs, value } = candidate;
  return { strategy: strategy?.name ?? 'dense', target, settings, training, epochs, value };
}

/** What is the strategy's, and what is training's. */
function apart(
  point: Configuration,
  ofTraining: SettingsSpace,
): { readonly settings: Configuration; readonly training: TrainingSettings } {
  const entries = Object.entries(point);
  return {
    settings: Object.fromEntries(entries.filter(([name]) => !(name in ofTraining))),
    training: Object.fromEntries(entries.filter(([name]) => name in ofTraining)),
  };
}

function targetsOf(
  { sparsities, blockShapes }: TuneOptions,
  { defaults }: Workload,
): Pick<TrialTarget, 'sparsity' | 'blockShape'>[] {
  return (sparsities ?? defaults.sparsities).flatMap((sparsity) =>
    (blockShapes ?? defaults.blockShapes).map((blockShape) => ({ sparsity, blockShape })),
  );
}

/** @throws UsageError for a measure that is not of quality, or has no better and worse */
function measureBy({ task, name }: Workload, key: string): MeasureDescription {
  const judging = measuresOf(task).filter((measure) => isQuality(measure) && measure.better !== null);
  const found = judging.find((measure) => measure.key === key);
  if (found) return found;
  const keys = judging.map((measure) => measure.key);
  throw new UsageError(
    `${name} has no measure '${key}' to choose by: did you mean '${closest(key, keys)}'? (it has ${keys.join(', ')})`,
  );
}

function assertTuned(options: TuneOptions): void {
  const of = 'tune()';
  const { strategies, trials, search, searchSeed, halving, by, onRound } = options;
  assertOptions(
    of,
    { strategies, trials, search, searchSeed, halving, by, onRound },
    {
      strategies: required(
        listOf(
          anObject('a strategy to tune, { name, reference, space, make }', { make: 'function' }),
          'a list',
        ),
      ),
      trials: wholeNumber(),
      search: oneOf(...searchKinds),
      searchSeed: aSeed,
      halving: trueOrFalse,
      by: aText("a measure's key, such as 'loss'"),
      onRound: aFunction('a function of the round'),
    },
  );
  for (const { reference } of strategies)
    assertOptions(of, { reference }, { reference: required(aReference) });
  assertCompared({ ...comparedOf(options), pruners: [] }, of);
}

/** What a comparison takes as well. */
function comparedOf(options: TuneOptions): Omit<CompareOptions, 'pruners'> {
  const { strategies: _strategies, trials: _trials, search: _search, searchSeed: _seed, ...rest } = options;
  const { halving: _halving, by: _by, onRound: _onRound, ...compared } = rest;
  return compared;
}

/** For those that are made by a factory here, in this process. */
export function tunedInPlace(
  name: string,
  make: (settings: Configuration) => Pruner,
  space: SettingsSpace = {},
): TunedStrategy {
  const reference: Reference = { name, module: null, section: 'default', contentHash: null };
  return {
    ...{ name, reference, space },
    make: (settings) => ({
      pruner: { ...make(settings), name },
      reference: { ...reference, given: settings },
    }),
  };
}
