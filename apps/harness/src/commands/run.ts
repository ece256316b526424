/** `espalier run <trial>`: one trial of a plan, for schedulers. */
import { plannedTrial, readPlan, runOne, UsageError, type TrialOutcome } from '@espalier/experiment';
import { openStore, ownWorks, Refused } from '@espalier/experiment/node';

import { GRACE_MS, interruptibly } from '../interruptible.js';
import { showProgress } from '../live/progress.js';
import { ownOf, type OwnOptions } from '../own.js';
import type { Command } from './command.js';
import { ownOptions } from './shared-options.js';

interface RunCommandOptions extends OwnOptions {
  readonly out: string;
}

/** As `sysexits.h` has them: what another machine may do, and what may be tried again. */
const UNAVAILABLE = 69;
const TRY_AGAIN = 75;

/** A trial whose process was ended without a word so often is set aside. */
export const MOST_KILLS = 3;

export const runCommand: Command = {
  usage: 'run <trial>',
  description: 'run one trial that espalier plan filed; told to stop, it leaves a checkpoint to go on from',
  arguments: (command) =>
    ownOptions(command.requiredOption('--out <folder>', 'where espalier plan filed it, and its results go')),
  run,
};

/**
 * @returns 0 once it has ended, now or before; 1 where it failed; 69 where this machine cannot run it as it was planned;
 *   75 where another has it
 */
async function run(asked: string, given: RunCommandOptions): Promise<number> {
  const store = await openStore(given.out);
  const plan = await readPlan(store);
  if (!plan) throw new UsageError(`${store.address} has no plan: run espalier plan with --out ${given.out}`);
  const planned = plannedTrial(plan, asked);
  const own = await ownOf({ ...given, jobs: 1 });
  const progress = showProgress();
  const note = (line: string) => progress.noted?.(line);
  const then = 'the same command goes on from its last checkpoint';
  try {
    const outcome = await interruptibly(
      then,
      async (signal) => {
        const { executor, ...work } = await ownWorks(own)(planned);
        progress.planned?.([work.trial]);
        return runOne(
          work,
          {
            ...{ executor, store, dataFolder: own.dataFolder, watcher: progress, signal },
            ...{ saveModels: plan.saveModels, trialTimeoutMinutes: plan.trialTimeoutMinutes ?? undefined },
            mostKills: MOST_KILLS,
          },
          note,
        );
      },
      GRACE_MS + 1000 * (given.grace ?? 0),
    );
    return exitCodeOf(outcome);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return UNAVAILABLE;
  } finally {
    progress.stop();
  }
}

function exitCodeOf(outcome: TrialOutcome | null): number {
  if (outcome === null) return TRY_AGAIN;
  return outcome.status === 'failed' ? 1 : 0;
}
