/**
 * Finds out, in a process of its own, which backend a choice comes to: starting one here would hold the
 * device's memory for as long as the trials run.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { BackendError, startBackend, type BackendName, type StartedBackend } from '@espalier/backend';

type Answer = { readonly started: StartedBackend } | { readonly error: string };

/** @throws BackendError when the backend is not present */
export function probeBackend(choice: BackendName | 'auto'): Promise<StartedBackend> {
  const child = fork(fileURLToPath(import.meta.url), [choice], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (answer: Answer) => {
      if ('started' in answer) resolve(answer.started);
      else reject(new BackendError(answer.error));
    });
    child.once('exit', () =>
      reject(new BackendError(`The backend ${choice} ended the process that tried it`)),
    );
  });
}

const isProbe = process.argv[1] === fileURLToPath(import.meta.url) && process.send !== undefined;
if (isProbe) {
  const answer: Answer = await startBackend(process.argv[2] as BackendName | 'auto').then(
    (started) => ({ started }),
    (error: Error) => ({ error: error.message }),
  );
  process.send?.(answer, () => process.exit(0));
}
