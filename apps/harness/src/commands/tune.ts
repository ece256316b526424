/** `espalier tune`: settings for every strategy, chosen with one budget on the validation split. */
import { join } from 'node:path';

import {
  describeMeasures,
  describeTuning,
  TrialsFailed,
  tune as tuneStrategies,
  UsageError,
  type Round,
  type Watcher,
} from '@espalier/experiment';
import { storeAddress } from '@espalier/experiment/node';
import { Option } from 'commander';

import { goesOnIn, interruptibly } from '../interruptible.js';
import { openedOnce } from '../opened-once.js';
import * as options from '../options.js';
import { showProgress, type Progress } from '../live/progress.js';
import { SETTINGS_FILE } from '../settings.js';
import { dataFolderOf, executorOf, loadSubject, timestamp } from '../subject.js';
import { writeTuned } from '../tuned-file.js';
import { withQueue } from '../with-queue.js';
import type { Command } from './command.js';
import {
  allocation,
  computing,
  queued,
  subject,
  type AllocationOptions,
  type ComputingOptions,
  type QueueOptions,
  type SubjectOptions,
} from './shared-options.js';

interface TuneCommandOptions extends SubjectOptions, AllocationOptions, ComputingOptions, QueueOptions {
  readonly seeds?: readonly number[];
  readonly trials?: number;
  readonly search: 'random' | 'grid';
  readonly searchSeed?: number;
  readonly halving: boolean;
  readonly by: string;
}

export const tune: Command = {
  usage: 'tune',
  description: 'choose settings for every strategy with the same budget, on the validation split',
  arguments: (command) =>
    queued(computing(allocation(subject(command))))
      .option(
        '--trials <n>',
        'what each strategy may spend at each target, in trials of the whole length (default: 6)',
        options.trials,
      )
      .addOption(
        new Option('--search <how>', 'how settings are drawn').choices(['random', 'grid']).default('random'),
      )
      .option('--search-seed <n>', 'what chance draws them from (default: 0)', options.seed)
      .option(
        '--halving <on,off>',
        'try many settings for a short training first, and the best of them for longer',
        options.onOrOff,
        true,
      )
      .option('--by <measure>', 'the measure that settings are judged by', 'loss')
      .option('--seeds <100>', 'of the trials; comparisons need others (default: 100)', options.seeds),
  run,
};

/** @returns the exit code: 0, or 1 when a trial failed */
async function run(given: TuneCommandOptions): Promise<number> {
  try {
    return await tuneAndWrite(given);
  } catch (error) {
    if (!(error instanceof TrialsFailed)) throw error;
    return reportFailed(error);
  }
}

/** Nothing is chosen: the same command goes on from what has ended. */
export function reportFailed({ failures }: TrialsFailed): 1 {
  for (const line of failures) process.stderr.write(`${line}\n`);
  return 1;
}

async function tuneAndWrite(given: TuneCommandOptions): Promise<number> {
  const { compared, asked } = await loadSubject(given);
  const { workload } = compared;
  if ((given.allocation?.length ?? 0) > 1) {
    throw new UsageError(
      '--allocation: settings are chosen under one allocation: run espalier tune for each',
    );
  }
  const set = [asked.dense, ...asked.strategies.map(({ training }) => training)];
  if (set.some((training) => Object.keys(training).length > 0)) {
    throw new UsageError(
      'learningRateFactor and weightDecay are chosen for every strategy: leave them out of --set',
    );
  }
  const out = storeAddress(given.out ?? join('runs', `${timestamp()}-tune-${workload.name}`));
  const open = openedOnce(out);
  const watched = progressByRound();
  const tuned = await interruptibly(goesOnIn(out), async (signal) => {
    try {
      return await withQueue(given, signal, async (dispatch) =>
        tuneStrategies({
          dispatch,
          workload: compared,
          strategies: asked.strategies.map(({ training: _, ...strategy }) => strategy),
          ...{ sparsities: given.sparsity, blockShapes: given.block, overrides: given.override },
          ...{ seeds: given.seeds, epochs: given.epochs, sparsePhases: given.sparsePhases },
          ...{ trials: given.trials, search: given.search, searchSeed: given.searchSeed },
          ...{ halving: given.halving, by: given.by, allocation: given.allocation?.[0] },
          dataFolder: dataFolderOf(given),
          executor: await executorOf(given),
          trialTimeoutMinutes: given.trialTimeout,
          store: open,
          watcher: watched.watcher,
          onRound: watched.onRound,
          signal,
        }),
      );
    } finally {
      watched.stop();
    }
  });
  const text = describeTuning(tuned, describeMeasures(workload.task));
  const store = await open();
  await writeTuned(store, SETTINGS_FILE, tuned);
  await store.write('tuning.md', text);
  process.stdout.write(`${text}\nWritten to ${join(out, SETTINGS_FILE)}, for espalier compare --settings\n`);
  return 0;
}

/** Each round shows its own trials. */
export function progressByRound(): {
  readonly watcher: Watcher;
  readonly onRound: (round: Round, number: number, rounds: number) => void;
  stop(): void;
} {
  let shown: Progress = showProgress();
  return {
    watcher: {
      planned: (trials) => shown.planned?.(trials),
      started: (trial) => shown.started?.(trial),
      progressed: (trial, progress) => shown.progressed?.(trial, progress),
      ended: (trial, outcome, ran) => shown.ended?.(trial, outcome, ran),
      stopped: (trial) => shown.stopped?.(trial),
      noted: (line) => shown.noted?.(line),
    },
    onRound({ epochs, configurations }, number, rounds) {
      shown.stop();
      shown = showProgress();
      const settings = `${configurations} ${configurations === 1 ? 'setting' : 'settings'} of each strategy`;
      shown.noted?.(
        `Round ${number} of ${rounds}: ${settings}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`,
      );
    },
    stop: () => shown.stop(),
  };
}
