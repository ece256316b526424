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
import { factsOf } from './tensorflow/facts.js';

/** What the process that tries a backend tells the one that asks. */
export interface ProbeAnswer {
  readonly started: BackendDescription | null;
  readonly error: string | null;
  /** Of Dawn; empty for other backends. */
  readonly adapters: readonly string[];
}

interface Probed extends ProbeAnswer {
  /** What TensorFlow printed of what it found; empty for other backends. */
  readonly log: string;
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
  /** What else is known of it, a line each: of TensorFlow, where it comes from, its GPUs, and the libraries of CUDA. */
  readonly facts: readonly string[];
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
    const { started, error, adapters, log } = await probe(name);
    const facts = name === 'tensorflow' ? await factsOf(log) : [];
    const remedy = await remedyFor(name, started, error, log);
    inspections.push({ name, present: started, adapters, facts, ...remedy });
  }
  return inspections;
}

/** Drivers of many cards take seconds to load; one that takes longer than this has hung. */
const PROBE_TIMEOUT_MS = 60_000;

/** TensorFlow says what it finds of GPUs, and every library that it opens. */
const TALKATIVE = { TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_VMODULE: 'dso_loader=1' };
const LONGEST_LOG = 1 << 18;

function probe(choice: BackendChoice): Promise<Probed> {
  // `auto` waits for probes of its own: one that hangs must not end it too.
  const timeout = choice === 'auto' ? 2 * PROBE_TIMEOUT_MS : PROBE_TIMEOUT_MS;
  const native = choice.startsWith('tensorflow');
  const child = fork(fileURLToPath(new URL('./probe-process.js', import.meta.url)), [choice], {
    // Drivers and native libraries print what is not for the user.
    stdio: ['ignore', 'ignore', native ? 'pipe' : 'ignore', 'ipc'],
    env: { ...process.env, ...(native && TALKATIVE) },
    // Not the caller's own, which may be a script to evaluate.
    execArgv: [],
    timeout,
    killSignal: 'SIGKILL',
  });
  let answer: ProbeAnswer | null = null;
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(0, LONGEST_LOG)));
  child.once('message', (message: ProbeAnswer) => {
    answer = message;
    // Some drivers hang when they are unloaded.
    child.kill('SIGKILL');
  });
  return new Promise((resolve) => {
    const failed = (what: string): ProbeAnswer => ({
      started: null,
      error: `The backend ${choice} ${what}`,
      adapters: [],
    });
    child.once('error', (error) => resolve({ ...failed(`could not be tried: ${error.message}`), log }));
    child.once('close', (_code, signal) => {
      const end =
        signal === 'SIGKILL'
          ? `did not start within ${timeout / 1000} seconds`
          : `ended the process that tried it${signal ? ` by ${signal}` : ''}`;
      resolve({ ...(answer ?? failed(end)), log });
    });
  });
}
