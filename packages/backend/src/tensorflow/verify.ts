/** That an addon computes, found out in a process of its own: one that crashes takes nothing with it. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { BackendError } from '../choice.js';
import { isOfFullDisk } from './run.js';

/** What the process that tries an addon tells the one that asks. */
export interface Verdict {
  /** As TensorFlow says it. */
  readonly version: string | null;
  /** Null where all is right. */
  readonly wrong: string | null;
}

/** A gigabyte is read from a disk that may be slow. */
const LIMIT_MS = 5 * 60_000;

/**
 * Compares a product, a gradient and a convolution with the cpu backend's.
 *
 * @param packageFolder with the addon in it
 * @returns TensorFlow's version
 * @throws BackendError, one line, when it does not load, or computes something else
 */
export function verify(packageFolder: string, signal?: AbortSignal): Promise<string> {
  const child = fork(fileURLToPath(new URL('./verify-process.js', import.meta.url)), [packageFolder], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop);
  let verdict: Verdict | null = null;
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  child.once('message', (message: Verdict) => {
    verdict = message;
    // TensorFlow's threads need not end in order.
    child.kill('SIGKILL');
  });
  return new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const { version = null, wrong = describeEnd(code, killedBy, said) } = verdict ?? {};
      if (version !== null && wrong === null) return resolve(version);
      reject(new BackendError(`The addon was compiled, and does not work: ${wrong}. Nothing was changed`));
    });
  }).finally(() => signal?.removeEventListener('abort', stop));
}

function describeEnd(code: number | null, killedBy: NodeJS.Signals | null, said: string): string {
  if (isOfFullDisk(said)) return 'there is no room left on the disk';
  const end =
    killedBy === 'SIGKILL'
      ? `does not end within ${LIMIT_MS / 60_000} minutes`
      : `ended by ${killedBy ?? `code ${code}`}`;
  const last = said.trim().split('\n').at(-1) ?? '';
  return `the process that tried it ${end}${last && ` (${last})`}`;
}
