/** Runs trials in processes of their own, as many side by side as asked: for Node. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';

import { probeBackend, startBackend, type BackendChoice, type BackendDescription } from '@espalier/backend';
import { aFunction, assertOptions, aText, wholeNumber } from '@espalier/core';
import { findAccelerators, type AcceleratorChoice } from '@espalier/wasm-training/accelerators';

import { aPeriod } from '../../arguments.js';
import { UsageError } from '../../errors.js';
import { computingCode } from '../../modules/assert-code.js';
import { endedAs } from '../../trial/stored.js';
import type { TrialOutcome, UsedAccelerator } from '../../trial/trial.js';
import { shareCores } from '../cores.js';
import type { Executor, RunOptions, Work } from '../executor.js';
import { measureInProcess } from './measure-costs.js';
import { measureStepsInProcess } from './measure-steps.js';
import { endOf, processFile, type TrialMessage, type TrialOrder } from './messages.js';
import { stopOn } from './stopping.js';

export interface ProcessesOptions {
  /** `auto` when absent. */
  readonly backend?: BackendChoice;
  /** What multiplies faster on the wasm backend; `auto` when absent. */
  readonly accelerators?: AcceleratorChoice;
  /** Trials side by side; by backend and cores when absent. */
  readonly jobs?: number;
  /** Of each trial, on the wasm and tensorflow backends; 1 when absent. */
  readonly threads?: number;
  /** How often a trial can be gone on with; every 10 s when absent. */
  readonly checkpointEveryMs?: number;
  /** How long a trial that is told to stop may take for its checkpoint; 5 s when absent. */
  readonly graceMs?: number;
  /** Is told, in a line, where fewer run side by side than was asked for. */
  readonly onNote?: (line: string) => void;
}

/**
 * Finds the backend that trials will compute on; it is started in each trial's own process.
 *
 * @throws TypeError or RangeError for an option that there is not, or is not what it is to be
 * @throws BackendError, AcceleratorError or UsageError for what is not there or does not fit
 */
export async function processes(options: ProcessesOptions = {}): Promise<Executor> {
  assertOptions('processes()', options, {
    backend: aText('the name of a backend'),
    accelerators: {
      type: 'string',
      holds: (value) => typeof value === 'string' || Array.isArray(value),
      words: "'auto', 'off' or a list of names",
    },
    jobs: wholeNumber(),
    threads: wholeNumber(),
    checkpointEveryMs: aPeriod,
    graceMs: aPeriod,
    onNote: aFunction('a function of a line'),
  });
  const backend = await probeBackend(options.backend ?? 'auto');
  // As many side by side as there are cores where a trial takes one; one where they would share a device.
  const onProcessor = backend.kind === 'processor';
  const usual = () => (onProcessor ? Infinity : 1);
  const { jobs, threads, note } = shareCores(options, availableParallelism(), usual);
  const accelerators = await acceleratorsOf(options.accelerators ?? 'auto', threads, backend);
  if (note) options.onNote?.(note);
  const code = await computingCode();
  return {
    ...{ backend, accelerators, threads, jobs, code },
    async startHere() {
      await startBackend('wasm');
    },
    measureCosts: (blockShapes) => measureInProcess(backend, { threads, blockShapes }),
    measureSteps: ({ trial }, measuring) => measureStepsInProcess(trial, measuring),
    run: (work, running) => runInProcess(work, running, options),
  };
}

/** What trials use; the accelerators are the wasm backend's alone. */
async function acceleratorsOf(
  choice: AcceleratorChoice,
  threads: number,
  { name: backend }: BackendDescription,
): Promise<UsedAccelerator[]> {
  const named = typeof choice === 'string' ? [] : choice;
  if (backend !== 'wasm') {
    const has = threads === 1 || backend === 'tensorflow';
    if (named.length === 0 && has) return [];
    const asked = named.length > 0 ? `--accelerators ${named.join(',')}` : `--threads ${threads}`;
    throw new UsageError(`${asked} is for the wasm backend, and ${backend} computes: add --backend wasm`);
  }
  if (threads > 1 && choice === 'off') {
    throw new UsageError(`--threads ${threads} needs an accelerator that uses them: --accelerators auto`);
  }
  const reports = await findAccelerators(choice, { threads });
  return reports
    .filter(({ absence }) => absence === null)
    .map(({ name, library }) => ({
      name,
      library: library && {
        ...{ kind: library.kind, path: library.path },
        ...{ version: library.version, build: library.build },
      },
    }));
}

async function runInProcess(
  { trial }: Work,
  { store, lease, dataFolder, saveModels = false, mixed = false, ...running }: RunOptions,
  { checkpointEveryMs, graceMs }: Pick<ProcessesOptions, 'checkpointEveryMs' | 'graceMs'>,
): Promise<TrialOutcome> {
  const { onProgress, onNote, signal } = running;
  const { address } = store;
  if (address === null) {
    throw new UsageError('Trials in processes of their own need a store that they can open: openStore()');
  }
  const child = fork(processFile('trial-process'), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  stopOn(signal, child, graceMs);
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    let failure: string | null = null;
    let taken = false;
    const fail = (message: string) => resolve({ status: 'failed', message, taken });
    child.on('message', (message: TrialMessage) => {
      if (message.type === 'progress') onProgress(message);
      if (message.type === 'note') onNote(message.line);
      if (message.type === 'failed') ({ message: failure, taken = false } = message);
    });
    child.on('error', (error) => fail(`its process did not start: ${error.message}`));
    child.on('close', (code, killedBy) => {
      void endedAs(store, trial, { saveModels }).then((result) => {
        if (result) resolve(result);
        else if (signal.aborted) reject(signal.reason as Error);
        else fail(failure ?? `${describeEnd(code, killedBy)}. ${complaint}`.trim());
      }, reject);
    });
    child.send({
      ...{ trial, address, lease, dataFolder, saveModels, mixed },
      ...(checkpointEveryMs !== undefined && { checkpointEveryMs }),
    } satisfies TrialOrder);
  });
}

function describeEnd(code: number | null, killedBy: NodeJS.Signals | null): string {
  const hint = killedBy === 'SIGKILL' ? ', as when memory runs out: try fewer --jobs' : '';
  return `its process ${killedBy === null ? endOf(code, null) : `was ended by ${killedBy}`}${hint}`;
}
