/**
 * Settings chosen for each strategy with the same budget, on the validation split: the test examples are not looked at.
 * The dense baseline is tuned as the strategies are, by its learning rate and weight decay.
 */
import {
  aFunction,
  anObject,
  aSeed,
  assertOptions,
  aText,
  listOf,
  oneOf,
  required,
  trueOrFalse,
  wholeNumber,
  type AllocationName,
  type Pruner,
  type SettingsSpace,
} from '@espalier/core';
import { stepsPerEpoch, trainingSpace, type MeasureDescription, type Workload } from '@espalier/workloads';
import { closest } from 'fastest-levenshtein';

import { allocationNames, aReference, assertCompared } from '../arguments.js';
import { prepareVariants, withReference, type CompareOptions } from '../compare.js';
import { TrialsFailed, UsageError } from '../errors.js';
import { isQuality } from '../measure.js';
import { measuresOf } from '../measures-of.js';
import type { ComparedWorkload, Strategy } from '../plan.js';
import { runAll } from '../run-all.js';
import { memoryStore } from '../store/memory.js';
import type { Store } from '../store/store.js';
import { loadData } from '../trial/load.js';
import { trialLabel, type Reference, type TrialOutcome } from '../trial/trial.js';
import { configurations, searchKinds, type Configuration, type SearchKind } from './configurations.js';
import {
  assertToldApart,
  chosenOf,
  fits,
  keyOfCandidate,
  keyOfTrial,
  meanOf,
  ranked,
  triedOf,
  type Candidate,
  type Contest,
} from './contest.js';
import { lengthsOf, roundsOf, spentBy, type Round } from './rounds.js';
import type { TunedSettings, TuningNote } from './settings-file.js';

/** A strategy whose settings are to be chosen. */
export interface TunedStrategy {
  readonly name: string;
  readonly reference: Reference;
  /** What there is to choose beside learning rate and weight decay; empty of a strategy that declares nothing. */
  readonly space: SettingsSpace;
  /** Settings that are not to be chosen: kept with those that are. */
  readonly fixed?: Configuration;
  /** The strategy with these settings, the rest as it is by itself; `reference.given` is to be the same. */
  make(settings: Configuration): Strategy | Promise<Strategy>;
}

export interface TuneOptions extends Omit<
  CompareOptions,
  'pruners' | 'reference' | 'onSummary' | 'split' | 'tuning' | 'dense' | 'allocations'
> {
  readonly strategies: readonly TunedStrategy[];
  /** For all strategies; when absent as in a comparison. */
  readonly allocation?: AllocationName | undefined;
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

/**
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 * @throws UsageError for what cannot be run
 * @throws TrialsFailed where one failed, and did not diverge: nothing can be chosen before it has run
 * @throws the signal's reason when it was aborted
 */
export async function tune(options: TuneOptions): Promise<TunedSettings> {
  assertTuned(options);
  const { search = 'random', searchSeed = 0, halving = true, trials = TRIALS } = options;
  const compared = withReference(options.workload);
  const { workload } = compared;
  const seeds = options.seeds ?? SEEDS;
  const epochs = options.epochs ?? workload.defaults.epochs;
  const measure = measureBy(workload, options.by ?? 'loss');
  const steps = await stepsOf(compared, options.dataFolder ?? '', seeds[0]!);
  const lengths = lengthsOf(epochs, halving);
  const own = await Promise.all(options.strategies.map(async ({ make }) => make({})));
  const roomy = lengths.filter(
    (length) => length === epochs || own.every((strategy) => hasRoom(strategy, length * steps)),
  );
  const rounds = roundsOf(trials, roomy, seeds.length);
  const drawn = { count: rounds[0]!.configurations, search, seed: searchSeed };
  const contests = await contestsOf(options, workload, drawn);
  const open = once(options.store);
  for (const [i, round] of rounds.entries()) {
    options.onRound?.(round, i + 1, rounds.length);
    const entered = contests.map((contest) => ({
      contest,
      candidates: ranked(contest.candidates, measure).slice(0, round.configurations),
    }));
    await trainRound({ ...options, seeds, store: open }, entered, round.epochs, {
      key: measure.key,
      totalSteps: round.epochs * steps,
    });
  }
  const tuning: TuningNote = {
    ...{ by: measure.key, search, seed: searchSeed, seeds, epochs, rounds },
    spent: Number(spentBy(rounds, epochs, seeds.length).toFixed(3)),
  };
  const { overrides, allocation } = options;
  const fixedOf = (name: string) => options.strategies.find((strategy) => strategy.name === name)?.fixed;
  return {
    schemaVersion: 1,
    kind: 'espalier-settings',
    workload: workload.name,
    scale: workload.scale ?? null,
    date: new Date().toISOString(),
    ...(overrides && { overrides }),
    ...(allocation && { allocation }),
    tuning,
    chosen: contests.map((contest) => chosenOf(contest, measure, fixedOf(contest.name) ?? {})),
    tried: contests.flatMap(triedOf),
  };
}

/** In an epoch of what is left for training. */
async function stepsOf(
  { workload, reference }: ComparedWorkload,
  dataFolder: string,
  seed: number,
): Promise<number> {
  const data = await loadData(workload, reference, { dataFolder, seed, split: 'validation' });
  try {
    return stepsPerEpoch(data.train.count, workload.defaults.batchSize);
  } finally {
    await data.close?.();
  }
}

const hasRoom = (strategy: Strategy, steps: number) =>
  fits({ settings: {}, training: {}, strategy, results: [] }, steps);

/** The dense baseline's, then strategy by strategy, target by target. */
async function contestsOf(
  options: TuneOptions,
  workload: Workload,
  drawn: { readonly count: number; readonly search: SearchKind; readonly seed: number },
): Promise<Contest[]> {
  const training = trainingSpace(workload);
  const pointsOf = (name: string, space: SettingsSpace) =>
    configurations({ training, own: space }, { ...drawn, purpose: name });
  const dense = pointsOf('dense', {}).map((point) => ({ ...point, strategy: null, results: [] }));
  const contests: Contest[] = [{ name: 'dense', target: null, candidates: dense }];
  const { sparsities = workload.defaults.sparsities } = options;
  const { blockShapes = workload.defaults.blockShapes } = options;
  for (const { name, space, make } of options.strategies) {
    for (const target of sparsities.flatMap((sparsity) =>
      blockShapes.map((blockShape) => ({ sparsity, blockShape })),
    )) {
      const candidates = await Promise.all(
        pointsOf(name, space).map(async (point) => {
          const chosen = Object.keys(point.training).length > 0 ? { training: point.training } : {};
          return { ...point, strategy: { ...(await make(point.settings)), ...chosen, target }, results: [] };
        }),
      );
      const contest = { name, target, candidates };
      assertToldApart(contest);
      contests.push(contest);
    }
  }
  return contests;
}

interface Entered {
  readonly contest: Contest;
  readonly candidates: readonly Candidate[];
}

/** Trains the candidates of a round, and notes what they came to. Those that have no room in it have no value. */
async function trainRound(
  options: TuneOptions,
  entered: readonly Entered[],
  epochs: number,
  { key, totalSteps }: { readonly key: string; readonly totalSteps: number },
): Promise<void> {
  const trained = entered.flatMap(({ candidates }) =>
    candidates.filter((candidate) => fits(candidate, totalSteps)),
  );
  const { allocation } = options;
  const prepared = await prepareVariants(
    { ...comparedOf(options), ...(allocation && { allocations: [allocation] }), epochs, split: 'validation' },
    trained.flatMap(({ strategy }) => strategy ?? []),
    trained.filter(({ strategy }) => !strategy).map(({ training }) => training),
  );
  prepared.watcher.planned?.(prepared.works.map(({ trial }) => trial));
  const outcomes = await runAll(prepared.works, { ...prepared, onEnded: async () => {} });
  const failures = prepared.works.flatMap(({ trial }, i) => {
    const outcome = outcomes[i]!;
    return outcome.status === 'failed' ? [`${trialLabel(trial)} failed: ${outcome.message}`] : [];
  });
  if (failures.length > 0) throw new TrialsFailed(failures);
  const byKey = new Map<string, TrialOutcome[]>();
  prepared.works.forEach(({ trial }, i) => {
    const found = keyOfTrial(trial);
    byKey.set(found, [...(byKey.get(found) ?? []), outcomes[i]!]);
  });
  for (const { contest, candidates } of entered) {
    for (const candidate of candidates) {
      const found = byKey.get(keyOfCandidate(contest, candidate)) ?? [];
      candidate.results.push({ epochs, value: meanOf(found, key) });
    }
  }
}

/** One for all rounds, opened when the first of them is known to be runnable. */
function once(store: TuneOptions['store']): () => Promise<Store> {
  let opened: Promise<Store> | undefined;
  const open = async () => (typeof store === 'function' ? store() : (store ?? memoryStore()));
  return () => (opened ??= open());
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

const oneAllocation = { ...allocationNames, holds: (value: unknown) => allocationNames.holds([value]) };

function assertTuned(options: TuneOptions): void {
  const of = 'tune()';
  const { strategies, trials, search, searchSeed, halving, by, onRound, allocation } = options;
  assertOptions(
    of,
    { strategies, trials, search, searchSeed, halving, by, onRound, allocation },
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
      allocation: oneAllocation,
    },
  );
  for (const { reference } of strategies)
    assertOptions(of, { reference }, { reference: required(aReference) });
  const names = strategies.map(({ name }) => name);
  const twice = names.find((name, i) => name === 'dense' || names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UsageError(`${of}: two are called '${twice}': give one of them another name`);
  }
  assertCompared({ ...comparedOf(options), pruners: [] }, of);
}

/** What a comparison takes as well. */
function comparedOf(options: TuneOptions): Omit<CompareOptions, 'pruners'> {
  const { strategies: _strategies, trials: _trials, search: _search, searchSeed: _seed, ...rest } = options;
  const { halving: _halving, by: _by, onRound: _onRound, allocation: _allocation, ...compared } = rest;
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
