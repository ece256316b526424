/** `espalier plan`: files the trials of a comparison in its folder, and lists them, for `espalier run`. */
import {
  filePlan,
  prunerName,
  trialId,
  trialName,
  type FiledPlan,
  type Trial,
  type TrialTarget,
} from '@espalier/experiment';
import { openStore } from '@espalier/experiment/node';

import { goesOnIn, interruptibly } from '../interruptible.js';
import { showProgress } from '../live/progress.js';
import type { Command } from './command.js';
import { askedComparison, comparison, type ComparisonOptions } from './compare.js';

interface PlanCommandOptions extends ComparisonOptions {
  readonly json?: boolean;
}

/** A trial as `--json` lists it. */
interface ListedTrial extends TrialTarget, Pick<Trial, 'seed' | 'epochs' | 'backend' | 'threads'> {
  /** What `espalier run` takes. */
  readonly trial: string;
  /** A hash of all that decides its result. */
  readonly id: string;
  readonly workload: string;
  readonly pruner: string;
  readonly allocation: string | null;
}

export const plan: Command = {
  usage: 'plan',
  description: 'file the trials of a comparison, to be run one by one by espalier run, and list them',
  arguments: (command) =>
    comparison(command).option('--json', 'list them as JSON, with their identities (default: a name a line)'),
  run,
};

async function run(given: PlanCommandOptions): Promise<void> {
  const { out, options } = await askedComparison(given);
  const watcher = showProgress();
  const filed = await interruptibly(goesOnIn(out), async (signal) => {
    try {
      return await filePlan({ ...(await options(signal)), store: () => openStore(out), watcher });
    } finally {
      watcher.stop();
    }
  });
  process.stdout.write(given.json ? `${JSON.stringify(listed(filed), null, 2)}\n` : namesOf(filed));
  process.stderr.write(
    `${filed.trials.length} trials planned in ${out}: espalier run <trial> --out ${out} runs one\n`,
  );
}

function namesOf({ trials }: FiledPlan): string {
  return trials.map((trial) => `${trialName(trial)}\n`).join('');
}

function listed({ trials }: FiledPlan): ListedTrial[] {
  return trials.map((trial) => {
    const { workload, sparsity, blockShape, overrides, allocation, ...rest } = trial;
    const { seed, epochs, backend, threads } = rest;
    return {
      ...{ trial: trialName(trial), id: trialId(trial), workload: workload.name, pruner: prunerName(trial) },
      ...{ sparsity, blockShape, ...(overrides && { overrides }), allocation: allocation?.name ?? null },
      ...{ seed, epochs, backend, threads },
    };
  });
}
