/** Runs trials in processes of their own, as many side by side as asked; finished ones are not run again. */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import pLimit from 'p-limit';

import { trialFolderName, trialId, type Trial, type TrialMessage, type TrialResult } from './trial.js';

/** What a trial's process is told to do. */
export interface TrialOrder {
  readonly trial: Trial;
  readonly folder: string;
  readonly dataFolder: string;
}

export type TrialOutcome = TrialResult | { readonly status: 'failed'; readonly message: string };

export interface TrialWatcher {
  started(trial: Trial): void;
  progressed(trial: Trial, progress: Extract<TrialMessage, { type: 'progress' }>): void;
  ended(trial: Trial, outcome: TrialOutcome, ran: boolean): void;
}

export interface RunOptions {
  /** The folder that trials have their folders in, under `trials/`. */
  readonly out: string;
  readonly dataFolder: string;
  /** How many run side by side. */
  readonly jobs: number;
  readonly watcher: TrialWatcher;
  /** Ends the processes of the trials that run; none is started any more. */
  readonly signal: AbortSignal;
}

/**
 * @returns the outcomes, in the order of the trials
 * @throws the signal's reason when it was aborted
 */
export async function runTrials(
  trials: readonly Trial[],
  { out, dataFolder, jobs, watcher, signal }: RunOptions,
): Promise<TrialOutcome[]> {
  const limit = pLimit(jobs);
  return Promise.all(
    trials.map((trial) =>
      limit(async () => {
        signal.throwIfAborted();
        const folder = join(out, 'trials', trialFolderName(trial));
        const stored = await readResult(folder, trial);
        if (stored) {
          watcher.ended(trial, stored, false);
          return stored;
        }
        watcher.started(trial);
        const outcome = await runInProcess({ trial, folder, dataFolder }, watcher, signal);
        watcher.ended(trial, outcome, true);
        return outcome;
      }),
    ),
  );
}

/** Null when the trial has not finished, or its result cannot be read: then it is run again. */
async function readResult(folder: string, trial: Trial): Promise<TrialResult | null> {
  try {
    const result = JSON.parse(await readFile(join(folder, 'result.json'), 'utf8')) as TrialResult | null;
    return result?.id === trialId(trial) ? result : null;
  } catch {
    return null;
  }
}

function runInProcess(order: TrialOrder, watcher: TrialWatcher, signal: AbortSignal): Promise<TrialOutcome> {
  const child = fork(fileURLToPath(new URL('./trial-process.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    signal,
  });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    let failure: string | null = null;
    const fail = (message: string) => resolve({ status: 'failed', message });
    child.on('message', (message: TrialMessage) => {
      if (message.type === 'progress') watcher.progressed(order.trial, message);
      if (message.type === 'failed') failure = message.message;
    });
    child.on('error', (error) => {
      if (signal.aborted) reject(signal.reason as Error);
      else fail(`its process did not start: ${error.message}`);
    });
    child.on('close', (code, killedBy) => {
      void readResult(order.folder, order.trial).then((result) => {
        if (result) resolve(result);
        else fail(failure ?? `${describeEnd(code, killedBy)}. ${complaint}`.trim());
      });
    });
    child.send(order);
  });
}

function describeEnd(code: number | null, killedBy: NodeJS.Signals | null): string {
  if (killedBy === null) return `its process ended with code ${code}`;
  const hint = killedBy === 'SIGKILL' ? ', as when memory runs out: try fewer --jobs' : '';
  return `its process was ended by ${killedBy}${hint}`;
}
