/**
 * Writes what a comparison does as TensorBoard reads it, for Node: a run a trial. It is made of the trials' logs of steps,
 * by whoever watches, so that no trial waits for it.
 */
import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { anObject, assertOptions, required } from '@espalier/core';
import type { Task } from '@espalier/workloads';

import { aPath, aStoreOrNone } from '../arguments.js';
import { messageOf, UsageError } from '../errors.js';
import type { Watcher } from '../run-all.js';
import { makeFolder } from '../store/make-folder.js';
import type { Store } from '../store/store.js';
import { trialName } from '../trial/identity.js';
import type { Trial, TrialOutcome } from '../trial/trial.js';
import { eventFile, type EventFile } from './event-file.js';
import { endEvents, stepEvents } from './trial-events.js';

export interface TensorBoardOptions {
  /** Where runs go; made where it is not there. */
  readonly folder: string;
  /** Where the trials are, or what tells it once they run. */
  readonly store: Store | (() => Store);
  /** Whose measures are shown. */
  readonly task: Pick<Task, 'name' | 'measures'>;
}

export interface TensorBoard extends Watcher {
  /**
   * Waits until all that was told is written.
   *
   * @returns what could not be, in a line; null where all could
   */
  finish(): Promise<string | null>;
}

const FILE = 'events.out.tfevents.espalier';

/** A run's log is read at most so often, and so that reading takes at most this share of the time. */
const EVERY_MS = 2000;
const SHARE_OF_TIME = 0.02;

/**
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 * @throws UsageError when the folder cannot be made or written to
 */
export async function tensorBoard(options: TensorBoardOptions): Promise<TensorBoard> {
  assertOptions('tensorBoard()', options, {
    folder: required(aPath),
    store: required(aStoreOrNone),
    task: required(anObject('a task, with its name', { name: 'string' })),
  });
  const { store, task } = options;
  const folder = resolve(options.folder);
  await assertWritable(folder);
  const runs = new Map<Trial, Run>();
  let trouble: string | null = null;

  const bring = async (trial: Trial, { file }: Run, outcome: TrialOutcome | null): Promise<void> => {
    const opened = typeof store === 'function' ? store() : store;
    const { metrics } = opened.trial(trialName(trial));
    // Where it was not begun, or its log was removed.
    const steps = await metrics.read().catch(() => []);
    const events = stepEvents(steps);
    const end = outcome ? endEvents(outcome, task, steps.length) : [];
    await file.bring([...events, ...end]);
  };
  const later = (trial: Trial, outcome: TrialOutcome | null) => {
    const run = runs.get(trial) ?? newRun(join(folder, trialName(trial), FILE));
    runs.set(trial, run);
    if (outcome === null && (run.waits || performance.now() < run.notBefore)) return;
    run.waits = true;
    // One after another: each goes on where the one before has ended.
    run.writing = run.writing.then(async () => {
      const started = performance.now();
      run.waits = false;
      await bring(trial, run, outcome).catch((error: unknown) => {
        trouble ??= `TensorBoard's files cannot be written: ${messageOf(error)}`;
      });
      const took = performance.now() - started;
      run.notBefore = performance.now() + Math.max(EVERY_MS, took / SHARE_OF_TIME);
    });
  };
  return {
    progressed: (trial) => later(trial, null),
    ended: (trial, outcome) => later(trial, outcome),
    async finish() {
      await Promise.all([...runs.values()].map(({ writing }) => writing));
      return trouble;
    },
  };
}

interface Run {
  readonly file: EventFile;
  writing: Promise<void>;
  /** Whether a reading of the log is to come, which will find all that was told by now. */
  waits: boolean;
  notBefore: number;
}

function newRun(path: string): Run {
  return { file: eventFile(path), writing: Promise.resolve(), waits: false, notBefore: 0 };
}

async function assertWritable(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new UsageError(
      `TensorBoard's folder ${folder} cannot be written to (${(error as Error).message}): choose another`,
    );
  }
}
