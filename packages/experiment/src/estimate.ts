/** What a comparison would take, and what of it is done already. Nothing is written, and a few steps are trained. */
import { assertArgument } from '@espalier/core';
import pLimit from 'p-limit';

import { assertCompared, someTime } from './arguments.js';
import { prepare, type CompareOptions, type Prepared } from './compare.js';
import type { Work } from './executors/executor.js';
import { timeOf, type TrialCosts } from './measure-steps.js';
import { memoryStore } from './store/memory.js';
import type { Store } from './store/store.js';
import { Doubtful, StoreError } from './store/trouble.js';
import { trialId, trialName } from './trial/identity.js';
import { endedAs } from './trial/stored.js';
import { prunerName, type Trial } from './trial/trial.js';

export interface Estimate {
  readonly schemaVersion: 1;
  readonly workload: string;
  readonly epochs: number;
  readonly device: string;
  /** Trials side by side. */
  readonly jobs: number;
  readonly trials: readonly EstimatedTrial[];
  /** Until all have ended. */
  readonly timeMs: number;
  /** What will lie in the store besides what lies there. */
  readonly diskBytes: number;
  /** What checkpoints take besides, while trials run. */
  readonly checkpointBytes: number;
  /** Resident, of all that runs side by side; null where it cannot be told. */
  readonly memoryBytes: number | null;
}

export interface EstimatedTrial extends Pick<
  Trial,
  'sparsity' | 'blockShape' | 'allocation' | 'overrides' | 'seed'
> {
  readonly pruner: string;
  readonly state: 'done' | 'begun' | 'to do';
  /** What is left of it; 0 when it is done. */
  readonly timeMs: number;
}

/** A line of the log of steps. */
const BYTES_A_STEP = 130;
/** Configuration, result, and its row in the summary. */
const BYTES_A_TRIAL = 12_000;

/**
 * Measures each strategy that has something left to do on its first target; its others are taken to be alike.
 *
 * @param startedAt by `performance.now()`: since when preparing counts
 * @throws what `compare` throws for what cannot be run, and for a strategy that fails while it is measured
 */
export async function estimate(
  options: CompareOptions,
  startedAt: number = performance.now(),
): Promise<Estimate> {
  assertCompared(options, 'estimate()');
  assertArgument('estimate()', 'startedAt', startedAt, someTime);
  const store = readOnly(options.store ?? memoryStore());
  const prepared = await prepare({ ...options, store });
  const preparingMs = performance.now() - startedAt;
  const { works, executor, jobs, workload, epochs, saveModels } = prepared;
  const standings = await Promise.all(works.map(({ trial }) => standingOf(trial, prepared)));
  const costs = await costsOf(
    works.filter((_, i) => standings[i] !== 'done'),
    prepared,
  );
  const trials = works.map(({ trial }, i): EstimatedTrial => {
    const { sparsity, blockShape, allocation, overrides, seed } = trial;
    const standing = standings[i]!;
    return {
      ...{ pruner: prunerName(trial), sparsity, blockShape, allocation, seed },
      ...(overrides && { overrides }),
      state: standing === 'done' ? 'done' : standing > 0 ? 'begun' : 'to do',
      timeMs: standing === 'done' ? 0 : leftOf(costs.get(prunerName(trial))!, standing),
    };
  });
  const measured = [...costs.values()];
  const left = works.filter((_, i) => standings[i] !== 'done');
  const memory = measured.map(({ memoryBytes }) => memoryBytes);
  const sideBySide = Math.min(jobs, left.length);
  return {
    schemaVersion: 1,
    ...{ workload: workload.name, epochs, device: executor.backend.device, jobs },
    trials,
    timeMs:
      preparingMs +
      makespan(
        trials.map(({ timeMs }) => timeMs),
        jobs,
      ),
    diskBytes: left.reduce((sum, { trial }) => {
      const { totalSteps, checkpointBytes } = costs.get(prunerName(trial))!;
      // A model in both its forms is about as large as a checkpoint with what the optimiser remembers.
      return sum + BYTES_A_TRIAL + BYTES_A_STEP * totalSteps + (saveModels ? checkpointBytes : 0);
    }, 0),
    // One is written beside the one that it replaces.
    checkpointBytes: 2 * sideBySide * Math.max(0, ...measured.map(({ checkpointBytes }) => checkpointBytes)),
    memoryBytes: memory.includes(null) ? null : sideBySide * Math.max(0, ...(memory as number[])),
  };
}

/** By the strategy's name. Measured side by side, as they will run. */
async function costsOf(works: readonly Work[], prepared: Prepared): Promise<Map<string, TrialCosts>> {
  const { executor, jobs, dataFolder, signal } = prepared;
  const firsts = new Map(works.toReversed().map((work) => [prunerName(work.trial), work] as const));
  const limit = pLimit(jobs);
  const measured = [...firsts].reverse().map(([name, work]) =>
    limit(async () => {
      signal.throwIfAborted();
      return [name, await executor.measureSteps(work, { dataFolder, signal })] as const;
    }),
  );
  return new Map(await Promise.all(measured));
}

/** Steps that a trial has behind it, which go on from its checkpoint. */
async function standingOf(trial: Trial, { store, saveModels }: Prepared): Promise<'done' | number> {
  try {
    if (await endedAs(store, trial, { saveModels })) return 'done';
    const checkpoint = await store.trial(trialName(trial)).checkpoint();
    return checkpoint?.trialId === trialId(trial) ? checkpoint.step : 0;
  } catch (error) {
    if (error instanceof Doubtful || error instanceof StoreError) return 0;
    throw error;
  }
}

function leftOf(costs: TrialCosts, stepsDone: number): number {
  const whole = timeOf(costs);
  return costs.otherMs + (whole - costs.otherMs) * Math.max(0, 1 - stepsDone / costs.totalSteps);
}

/** Until all have ended, when so many run side by side and each begins as soon as there is room. */
function makespan(times: readonly number[], jobs: number): number {
  const free = new Array<number>(jobs).fill(0);
  for (const time of times) {
    const first = free.indexOf(Math.min(...free));
    free[first]! += time;
  }
  return Math.max(...free);
}

/** What is written to it is kept beside it, and forgotten. */
function readOnly(store: CompareOptions['store']): () => Promise<Store> {
  return async () => {
    const opened = typeof store === 'function' ? await store() : store!;
    const written = new Map<string, string>();
    const read = async (name: string) => written.get(name) ?? (await opened.read(name));
    return {
      ...opened,
      read,
      write: async (name, text) => void written.set(name, text),
      async create(name, text) {
        if ((await read(name)) !== null) return false;
        written.set(name, text);
        return true;
      },
    };
  };
}
