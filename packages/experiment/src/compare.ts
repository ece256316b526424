/**
 * A comparison: the dense baseline and every strategy on the same workload. A function for scripts and pages; the
 * `espalier compare` command parses, shows and prints around it.
 */
import type { AllocationName, Overrides, Pruner } from '@espalier/core';
import type { PreparationProgress } from '@espalier/datasets';
import { withTraining, type TrainingSettings, type Workload } from '@espalier/workloads';

import { assertCompared } from './arguments.js';
import { currentBackend } from './backend.js';
import { UsageError } from './errors.js';
import type { Executor, Work } from './executors/executor.js';
import { inPlace } from './executors/in-place.js';
import { assertLimit } from './executors/limited.js';
import { unlessAborted } from './patience.js';
import { isTarget, planned, type ComparedWorkload, type Plan, type Strategy } from './plan.js';
import { productCosts } from './product-costs.js';
import { runAll, type Dispatch, type Running, type Watcher } from './run-all.js';
import { memoryStore } from './store/memory.js';
import type { Store } from './store/store.js';
import { describeEnvironment, describeMeasures, rowsOf, type Summary } from './summary.js';
import type { TuningNote } from './tune/settings-file.js';
import { dataDigest } from './trial/fingerprint.js';
import { loadData, type LoadedSplit } from './trial/load.js';
import { rehearse } from './trial/rehearse.js';
import { trainingOf } from './trial/training.js';
import type { ProductCosts, Reference, TrialOutcome } from './trial/trial.js';

export interface CompareOptions {
  /** What to train, as a value or with where it comes from; processes of their own need the latter. */
  readonly workload: Workload | ComparedWorkload;
  readonly pruners: readonly (Pruner | Strategy)[];
  /** The axes; the workload's where they are absent. */
  readonly sparsities?: readonly number[] | undefined;
  readonly blockShapes?: readonly (readonly [number, number])[] | undefined;
  readonly seeds?: readonly number[] | undefined;
  /** For all strategies. When absent it is the workload's, else each strategy's own, else uniform. */
  readonly allocations?: readonly AllocationName[] | undefined;
  /** Beside the workload's own; for one kernel, in their place. */
  readonly overrides?: Overrides | undefined;
  readonly epochs?: number | undefined;
  /** Whether layers compute with their kept blocks alone where that is faster; true when absent. */
  readonly sparsePhases?: boolean | undefined;
  /** How the dense baseline trains otherwise than the workload says. */
  readonly dense?: TrainingSettings | undefined;
  /** By which examples trials are judged; the test split when absent. */
  readonly split?: 'validation' | undefined;
  /** How the settings were chosen; kept with the results. */
  readonly tuning?: TuningNote | undefined;
  /** What paired differences are taken against; `dense` when absent. */
  readonly reference?: string | undefined;
  /** Where workloads find their data. */
  readonly dataFolder?: string | undefined;
  /** What runs the trials; when absent, this thread, on tfjs' current backend. */
  readonly executor?: Executor | undefined;
  /** Where results go; when absent, nowhere but into what is returned. Opened once it is known what can be run. */
  readonly store?: Store | (() => Promise<Store>) | undefined;
  /**
   * What is kept of trained models in the trials' places: nothing, or the final ones, dense and compressed, with their
   * masks. It is no part of what a trial is: one that has ended without its model is trained again for it, and its
   * result stays. `none` when absent.
   */
  readonly save?: 'none' | 'models' | undefined;
  readonly watcher?: Watcher | undefined;
  /**
   * Is given the summary of what has ended, before the first trial where something has, and after each that ran: to be
   * written, so that nothing is lost.
   */
  readonly onSummary?: ((summary: Summary) => void | Promise<void>) | undefined;
  /** Ends the trials that run; none is started any more. */
  readonly signal?: AbortSignal | undefined;
  /** Has the trials run elsewhere: `handOut` of `./queue`; the executor then says what they compute on. */
  readonly dispatch?: Dispatch | undefined;
  /** What a trial may take before it fails; without a limit when absent. */
  readonly trialTimeoutMinutes?: number | undefined;
}

/**
 * @returns what was measured, row by row; trials that failed are among the rows
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 * @throws UsageError for what cannot be run, before anything is written
 * @throws the signal's reason when it was aborted
 *
 * @example
 * ```ts
 * import { compare, reports } from '@espalier/experiment';
 * import { magnitude } from '@espalier/magnitude';
 * import plantedBlocks from '@espalier/workloads/planted-blocks';
 *
 * const summary = await compare({ workload: plantedBlocks, pruners: [magnitude()], seeds: [0], epochs: 1 });
 * console.log(summary.rows.map(({ pruner, status }) => `${pruner}: ${status}`)); // [ 'dense: ok', 'magnitude: ok' ]
 * const table = reports.markdown(summary);
 * ```
 */
export async function compare(options: CompareOptions): Promise<Summary> {
  assertCompared(options, 'compare()');
  const { reference = 'dense' } = options;
  const prepared = await prepare(options);
  const { works, executor, jobs, costs, epochs, workload } = prepared;
  const trials = works.map(({ trial }) => trial);
  const measures = describeMeasures(workload.task);
  prepared.watcher.planned?.(trials);
  const environment = describeEnvironment(executor, jobs, costs);
  const summaryOf = (outcomes: readonly (TrialOutcome | undefined)[]): Summary => {
    const ended = trials.flatMap((trial, i) => (outcomes[i] ? [{ trial, outcome: outcomes[i] }] : []));
    const rows = rowsOf(
      ended.map(({ trial }) => trial),
      ended.map(({ outcome }) => outcome),
      measures,
    );
    return {
      schemaVersion: 1,
      workload: workload.name,
      task: workload.task.name,
      ...(workload.scale && { scale: workload.scale }),
      ...(options.split && { split: options.split }),
      ...(options.tuning && { tuning: options.tuning }),
      ...{ epochs, reference, environment, planned: trials.length, measures, rows },
    };
  };
  // One after another: an older summary never takes the place of a newer one.
  let written = Promise.resolve();
  const onEnded = (outcomes: readonly (TrialOutcome | undefined)[]) =>
    (written = written.then(() => options.onSummary?.(summaryOf(outcomes))));
  const outcomes = await runAll(works, { ...prepared, onEnded });
  return summaryOf(outcomes);
}

/**
 * What is known to be runnable, and where; nothing is trained yet.
 *
 * @param options that were checked
 */
export async function prepare(options: CompareOptions): Promise<Prepared> {
  const strategies = options.pruners.map(strategyOf);
  assertNames(strategies, options.reference ?? 'dense');
  return prepareVariants(options, strategies, [options.dense ?? {}]);
}

/**
 * The same of strategies of which several may have one name and other settings.
 *
 * @param dense how the dense baselines train, one for each seed and each of these
 */
export async function prepareVariants(
  options: Omit<CompareOptions, 'pruners' | 'reference' | 'dense'>,
  strategies: readonly Strategy[],
  dense: readonly TrainingSettings[],
): Promise<Prepared> {
  const { dataFolder = '', sparsePhases = true, watcher = {}, split } = options;
  const { save = 'none', trialTimeoutMinutes, dispatch, signal = new AbortController().signal } = options;
  assertLimit(trialTimeoutMinutes);
  const compared = withReference(options.workload);
  const { workload } = compared;
  const { defaults } = workload;
  const seeds = options.seeds ?? defaults.seeds;
  const epochs = options.epochs ?? defaults.epochs;
  const blockShapes = options.blockShapes ?? defaults.blockShapes;
  const targets = targetsOf(options.sparsities ?? defaults.sparsities, blockShapes, {
    ...workload.target?.overrides,
    ...options.overrides,
  });

  const executor = options.executor ?? inPlace({ backend: await currentBackend() });
  await unlessAborted(executor.startHere(), signal);
  // Of one strategy with other settings each is the same kind of thing: one is rehearsed.
  const pruners = [
    ...new Map(strategies.toReversed().map(({ pruner }) => [pruner.name, pruner])).values(),
  ].reverse();
  const rehearsal = {
    ...{ workload, pruners, targets, seed: seeds[0] as number, epochs, dataFolder },
    ...(split && { split }),
  };
  const noted = (line: string) => watcher.noted?.(line);
  const onPreparation = everySeconds(PREPARATION_SECONDS, (progress: PreparationProgress) =>
    noted(`Preparing the data of ${workload.name}: ${describeProgress(progress)}`),
  );
  const { reference: ofWorkload } = compared;
  await unlessAborted(rehearse({ ...rehearsal, reference: ofWorkload, onPreparation }), signal);

  const store = await opened(options.store ?? memoryStore());
  const timing = sparsePhases ? productCosts(store, executor, blockShapes, noted) : Promise.resolve(null);
  const costs = await unlessAborted(timing, signal);
  const plans = planned({
    ...{ workload: compared, strategies, targets, seeds, epochs, sparsePhases },
    allocations: options.allocations ?? [],
    computing: computingOf(executor),
    productCosts: costs,
    training: trainingOf(workload),
    ...(split && { split }),
    dense,
    data: await unlessAborted(
      dataDigests(compared, seeds, { dataFolder, onProgress: onPreparation, ...(split && { split }) }),
      signal,
    ),
  });
  const jobs = Math.min(executor.jobs, plans.length);
  const works = plans.map(({ trial, strategy }) => ({
    trial,
    workload: trial.tuned ? withTraining(workload, trial.tuned) : workload,
    pruner: strategy?.pruner ?? null,
  }));
  return {
    ...{ works, workload, epochs, costs },
    ...{ executor, store, jobs, dataFolder, watcher, signal, trialTimeoutMinutes, dispatch },
    saveModels: save === 'models',
  };
}

export interface Prepared extends Omit<Running, 'onEnded'> {
  readonly works: readonly Work[];
  readonly workload: Workload;
  readonly epochs: number;
  readonly costs: readonly ProductCosts[] | null;
}

/** Preparing data takes minutes, or nothing: so often a line says how far it is. */
const PREPARATION_SECONDS = 5;

function everySeconds<T>(seconds: number, tell: (told: T) => void): (told: T) => void {
  let last = 0;
  return (told) => {
    const now = performance.now();
    if (last > 0 && now - last < 1000 * seconds) return;
    last = now;
    tell(told);
  };
}

function describeProgress({ what, done, total }: PreparationProgress): string {
  return total === null ? `${what}, ${done} so far` : `${what}, ${done} of ${total}`;
}

/** By seed. */
async function dataDigests(
  { workload, reference }: ComparedWorkload,
  seeds: readonly number[],
  options: Omit<LoadedSplit, 'seed'>,
): Promise<Record<number, string>> {
  const digests: Record<number, string> = {};
  for (const seed of seeds) {
    const data = await loadData(workload, reference, { ...options, seed });
    try {
      digests[seed] = await dataDigest(data);
    } finally {
      await data.close?.();
    }
  }
  return digests;
}

async function opened(store: Store | (() => Promise<Store>)): Promise<Store> {
  return typeof store === 'function' ? store() : store;
}

function computingOf({ backend, accelerators, threads, code }: Executor): Plan['computing'] {
  return { backend: backend.choice, accelerators, threads, ...(code && { code }) };
}

function targetsOf(
  sparsities: readonly number[],
  blockShapes: readonly (readonly [number, number])[],
  overrides: Overrides,
): Plan['targets'] {
  const own = Object.keys(overrides).length > 0 ? { overrides } : {};
  return sparsities.flatMap((sparsity) =>
    blockShapes.map((blockShape) => ({ sparsity, blockShape, ...own })),
  );
}

/** Of a value: no other process can load it. */
const inPlaceOnly = (name: string): Reference => ({
  name,
  module: null,
  section: 'default',
  contentHash: null,
});

export function withReference(workload: Workload | ComparedWorkload): ComparedWorkload {
  return 'workload' in workload ? workload : { workload, reference: inPlaceOnly(workload.name) };
}

function strategyOf(pruner: Pruner | Strategy): Strategy {
  return 'pruner' in pruner ? pruner : { pruner, reference: inPlaceOnly(pruner.name) };
}

function assertNames(strategies: readonly Strategy[], reference: string): void {
  const names = strategies.map(({ pruner }) => pruner.name);
  const twice = strategies.find(({ pruner, target }, i) =>
    strategies
      .slice(0, i)
      .some(
        (other) =>
          other.pruner.name === pruner.name && (!target || !other.target || isTarget(target, other.target)),
      ),
  );
  if (twice) {
    throw new UsageError(
      `Two strategies are called '${twice.pruner.name}': give one another name under pruners in espalier.config.ts`,
    );
  }
  if (reference === 'dense' || names.includes(reference)) return;
  throw new UsageError(`The reference '${reference}' is not compared: choose dense, ${names.join(', ')}`);
}
