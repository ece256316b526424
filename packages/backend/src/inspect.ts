/**
 * Which backends are present, found out in processes that end: a device is not held for longer than the question,
 * and a driver that crashes or hangs takes nothing with it.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import {
  assertChoice,
  BackendError,
  backendNames,
  type BackendChoice,
  type BackendDescription,
  type BackendName,
} from './choice.js';
import { remedyFor } from './remedy.js';

/** What the process that tries a backend tells the one that asks. */
export interface ProbeAnswer {
  readonly started: BackendDescription | null;
  readonly error: string | null;
  /** Of Dawn; empty for other backends. */
  readonly adapters: readonly string[];
}

export interface BackendInspection {
  readonly name: BackendName;
  /** What its name alone would start; null where it is not present. */
  readonly present: BackendDescription | null;
  /** One line; null where nothing is missing. A backend may be present and lack a GPU. */
  readonly missing: string | null;
  /** The command that mends it; null where none does. */
  readonly remedy: string | null;
  /** The WebGPU adapters, to be chosen by `webgpu:<part of a name>`; empty for other backends. */
  readonly adapters: readonly string[];
}

/** @throws BackendError when the choice comes to nothing that is present */
export async function probeBackend(choice: BackendChoice): Promise<BackendDescription> {
  assertChoice(choice, 'probeBackend()');
  const { started, error } = await probe(choice);
  if (!started) throw new BackendError(error ?? `The backend ${choice} did not start`);
  return started;
}

/** Every backend, in the order of `backendNames`. */
export async function inspectBackends(): Promise<BackendInspection[]> {
  const inspections: BackendInspection[] = [];
  for (const name of backendNames) {
    const { started, error, adapters } = await probe(name);
    inspections.push({ name, present: started, adapters, ...remedyFor(name, started, error) });
  }
  return inspections;
}

/** Drivers of many cards take seconds to load; one that takes longer than this has hung. */
const PROBE_TIMEOUT_MS = 60_000;

function probe(choice: BackendChoice): Promise<ProbeAnswer> {
  // `auto` waits for probes of its own: one that hangs must not end it too.
  const timeout = choice === 'auto' ? 2 * PROBE_TIMEOUT_MS : PROBE_TIMEOUT_MS;
  const child = fork(fileURLToPath(new URL('./probe-process.js', import.meta.url)), [choice], {
    // Drivers and native libraries print what is not for the user.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Not the caller's own, which may be a script to evaluate.
    execArgv: [],
    timeout,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => {
    const failed = (what: string) =>
      resolve({ started: null, error: `The backend ${choice} ${what}`, adapters: [] });
    child.once('message', (answer: ProbeAnswer) => {
      // Some drivers hang when they are unloaded.
      child.kill('SIGKILL');
      resolve(answer);
    });
    child.once('error', (error) => failed(`could not be tried: ${error.message}`));
    child.once('exit', (_code, signal) =>
      failed(
        signal === 'SIGKILL'
          ? `did not start within ${timeout / 1000} seconds`
          : `ended the process that tried it${signal ? ` by ${signal}` : ''}`,
      ),
    );
  });
}
