/** Times products in a process of its own, as trials are: what a driver prints, crashes or keeps goes with it. */
import { fork } from 'node:child_process';

import type { BackendDescription, NamedChoice } from '@espalier/backend';

import { UsageError } from '../../errors.js';
import type { ProductCosts } from '../../trial/trial.js';
import { endOf, processFile, type CostsMessage, type CostsOrder } from './messages.js';

/** A driver that does not answer is given up. */
const LIMIT_MS = 5 * 60_000;

/** @throws UsageError when they cannot be timed */
export function measureInProcess(
  { device, choice }: Pick<BackendDescription, 'device' | 'choice'>,
  measured: Omit<CostsOrder, 'backend'>,
): Promise<readonly ProductCosts[]> {
  const child = fork(processFile('costs-process'), {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(
        new UsageError(`Products cannot be timed on ${device} (${why}): --sparse-phases off needs no times`),
      );
    child.once('message', (message: CostsMessage) => {
      // Some drivers hang when they are unloaded.
      child.kill('SIGKILL');
      if (message.type === 'measured') resolve(message.costs);
      else fail(message.message);
    });
    child.once('error', ({ message }) => fail(`the process did not start: ${message}`));
    child.once('exit', (code, signal) => fail(`the process ${endOf(code, signal)}`));
    setTimeout(() => child.kill('SIGKILL'), LIMIT_MS).unref();
    child.send({ backend: choice as NamedChoice, ...measured } satisfies CostsOrder);
  });
}
