/**
 * A comparison: the dense baseline and every strategy on the same workload. A function for scripts and pages; the
 * `espalier compare` command parses, shows and prints around it.
 */
import type { AllocationName, Overrides, Pruner } from '@espalier/core';
import type { Workload } from '@espalier/workloads';
import pLimit from 'p-limit';

import { currentBackend } from './backend.js';
import { UsageError } from './errors.js';
import type { Executor, Work } from './executors/executor.js';
import { inPlace } from './executors/in-place.js';
import { planTrials, type ComparedWorkload, type Plan, type Strategy } from './plan.js';
import { productCosts } from './product-costs.js';
import { memoryStore } from './store/memory.js';
import type { Store } from './store/store.js';
import { describeEnvironment, describeMeasures, rowsOf, type Summary } from './summary.js';
import { trialName } from './trial/identity.js';
import { rehearse } from './trial/rehearse.js';
import { storedResult } from './trial/stored.js';
import type { Reference, Trial, TrialOutcome, TrialProgress } from './trial/trial.js';

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
  /** What paired differences are taken against; `dense` when absent. */
  readonly reference?: string | undefined;
  /** Where workloads find their data. */
  readonly dataFolder?: string | undefined;
  /** What runs the trials; when absent, this thread, on tfjs' current backend. */
  readonly executor?: Executor | undefined;
  /** Where results go; when absent, nowhere but into what is returned. Opened once it is known what can be run. */
  readonly store?: Store | (() => Promise<Store>) | undefined;
  readonly watcher?: Watcher | undefined;
  /** Ends the trials that run; none is started any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Is told how a comparison goes. */
export interface Watcher {
  planned?(trials: readonly Trial[]): void;
  started?(trial: Trial): void;
  progressed?(trial: Trial, progress: TrialProgress): void;
  /** @param ran false of a trial that had ended before */
  ended?(trial: Trial, outcome: TrialOutcome, ran: boolean): void;
}

/**
 * @returns what was measured, row by row; trials that failed are among the rows
 * @throws UsageError for what cannot be run, before anything is written
 * @throws the signal's reason when it was aborted
 */
export async function compare(options: CompareOptions): Promise<Summary> {
  const { reference = 'dense', dataFolder = '', sparsePhases = true, watcher = {} } = options;
  const signal = options.signal ?? new AbortController().signal;
  const compared = withReference(options.workload);
  const strategies = options.pruners.map(strategyOf);
  assertNames(strategies, reference);
  const { workload } = compared;
  const { defaults } = workload;
  const measures = describeMeasures(workload.task);
  const seeds = options.seeds ?? defaults.seeds;
  const epochs = options.epochs ?? defaults.epochs;
  const blockShapes = options.blockShapes ?? defaults.blockShapes;
  const targets = targetsOf(options.sparsities ?? defaults.sparsities, blockShapes, {
    ...workload.target?.overrides,
    ...options.overrides,
  });

  const executor = options.executor ?? inPlace({ backend: await currentBackend() });
  await executor.startHere();
  const pruners = strategies.map(({ pruner }) => pruner);
  await rehearse({ workload, pruners, targets, seed: seeds[0] as number, epochs, dataFolder });

  const store = await opened(options.store ?? memoryStore());
  const costs = sparsePhases ? await productCosts(store, executor, blockShapes) : null;
  const trials = planTrials({
    ...{ workload: compared, strategies, targets, seeds, epochs, sparsePhases },
    allocations: options.allocations ?? [],
    computing: computingOf(executor),
    productCosts: costs,
  });
  watcher.planned?.(trials);
  const jobs = Math.min(executor.jobs, trials.length);
  const works = trials.map((trial) => ({ trial, workload, pruner: prunerOf(trial, strategies) }));
  const outcomes = await runAll(works, { executor, store, jobs, dataFolder, watcher, signal });

  return {
    schemaVersion: 1,
    workload: workload.name,
    task: workload.task.name,
    ...{ epochs, reference },
    environment: describeEnvironment(executor, jobs, costs),
    measures,
    rows: rowsOf(trials, outcomes, measures),
  };
}

interface Running {
  readonly executor: Executor;
  readonly store: Store;
  readonly jobs: number;
  readonly dataFolder: string;
  readonly watcher: Watcher;
  readonly signal: AbortSignal;
}

/** Those that have ended in this store are not run again. */
async function runAll(works: readonly Work[], running: Running): Promise<TrialOutcome[]> {
  const { executor, store, jobs, dataFolder, watcher, signal } = running;
  const limit = pLimit(jobs);
  return Promise.all(
    works.map((work) =>
      limit(async () => {
        signal.throwIfAborted();
        const { trial } = work;
        const stored = await storedResult(store, trial);
        if (stored) {
          await store.trial(trialName(trial)).tidy();
          watcher.ended?.(trial, stored, false);
          return stored;
        }
        watcher.started?.(trial);
        const onProgress = (progress: TrialProgress) => watcher.progressed?.(trial, progress);
        const outcome = await executor.run(work, { store, dataFolder, onProgress, signal });
        watcher.ended?.(trial, outcome, true);
        return outcome;
      }),
    ),
  );
}

async function opened(store: Store | (() => Promise<Store>)): Promise<Store> {
  return typeof store === 'function' ? store() : store;
}

function computingOf({ backend, accelerators, threads }: Executor): Plan['computing'] {
  return { backend: backend.choice, accelerators, threads };
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

function withReference(workload: Workload | ComparedWorkload): ComparedWorkload {
  return 'workload' in workload ? workload : { workload, reference: inPlaceOnly(workload.name) };
}

function strategyOf(pruner: Pruner | Strategy): Strategy {
  return 'pruner' in pruner ? pruner : { pruner, reference: inPlaceOnly(pruner.name) };
}

function prunerOf(trial: Trial, strategies: readonly Strategy[]): Pruner | null {
  const found = strategies.find(({ pruner }) => pruner.name === trial.pruner?.name);
  return found?.pruner ?? null;
}

function assertNames(strategies: readonly Strategy[], reference: string): void {
  const names = strategies.map(({ pruner }) => pruner.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new UsageError(
      `Two strategies are called '${twice}': give one another name under pruners in espalier.config.ts`,
    );
  }
  if (reference === 'dense' || names.includes(reference)) return;
  throw new UsageError(`The reference '${reference}' is not compared: choose dense, ${names.join(', ')}`);
}
