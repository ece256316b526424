/** `espalier worker --queue <url>`: trains what others file, until it is told to stop. */
import { availableParallelism } from 'node:os';

import { trialLabel, UsageError, type Watcher } from '@espalier/experiment';
import { storeAt } from '@espalier/experiment/node';

import { InterruptedError } from '../errors.js';
import { GRACE_MS, interruptibly } from '../interruptible.js';
import * as options from '../options.js';
import { ownOf, type OwnOptions } from '../own.js';
import type { Command } from './command.js';
import { MOST_KILLS } from './run.js';
import { ownOptions } from './shared-options.js';

interface WorkerOptions extends OwnOptions {
  readonly queue?: string;
  readonly jobs?: number;
  readonly out?: string;
  readonly for?: number;
  readonly idle?: number;
}

export const worker: Command = {
  usage: 'worker',
  description:
    'train the trials of a queue, until told to stop: then each leaves a checkpoint and is handed back',
  arguments: (command) =>
    ownOptions(
      command
        .option('--queue <url>', 'where trials are filed (default: $ESPALIER_QUEUE)')
        .option(
          '--jobs <n>',
          'trials side by side (default: as many as cores; 1 with --backend of a device)',
          options.jobs,
        ),
    )
      .option(
        '--out <folder>',
        'the store that they are of, where it lies here (default: where the queue says)',
      )
      .option('--for <minutes>', 'stop after so long (default: never)', options.minutes)
      .option('--idle <seconds>', 'stop after so long without a trial (default: never)', options.seconds),
  run,
};

/** @returns 0: once it was told to stop, as it is meant to be, or its time was over */
async function run(given: WorkerOptions): Promise<number> {
  const { queue = process.env['ESPALIER_QUEUE'], backend = 'auto', grace = 5 } = given;
  if (queue === undefined)
    throw new UsageError('--queue is missing: give the URL of a queue, or $ESPALIER_QUEUE');
  // One a device; where the backend is each trial's to say, by what most compute on.
  const onDevice = /^(webgpu|tensorflow)/.test(backend);
  const { jobs = onDevice ? 1 : availableParallelism() } = given;
  const own = await ownOf({ ...given, jobs, grace });
  const { connect, work } = await import('@espalier/experiment/queue');
  const graceMs = GRACE_MS + 1000 * grace;
  const atWork = async (signal: AbortSignal) => {
    const server = await connect(queue, { onNote: say, signal });
    say(`${jobs} side by side, of ${server.place}`);
    try {
      return await work(server, {
        ...{ own, jobs, backend, mostKills: MOST_KILLS, watcher: saying, signal },
        store: given.out === undefined ? undefined : await storeAt(given.out),
        idleMs: given.idle === undefined ? undefined : 1000 * given.idle,
      });
    } finally {
      await server.close();
    }
  };
  const timed = (signal: AbortSignal) =>
    atWork(
      given.for === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(60_000 * given.for)]),
    );
  try {
    const { ended, failed, handedBack } = await interruptibly('', timed, graceMs);
    say(`Done: ${ended} ended, ${failed} failed, ${handedBack} handed back`);
    return 0;
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    say('Stopped before all trials were handed back: they go on elsewhere once this worker is not heard of');
    return error.exitCode;
  }
}

const saying: Watcher = {
  started: (trial) => say(`${trialLabel(trial)}: begun`),
  stopped: (trial) => say(`${trialLabel(trial)}: left to another`),
  ended(trial, outcome, ran) {
    const end = outcome.status === 'failed' ? `failed: ${outcome.message.split('\n')[0]}` : outcome.status;
    say(`${trialLabel(trial)}: ${end}${ran ? '' : ', from an earlier run'}`);
  },
  noted: (line) => say(line),
};

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
