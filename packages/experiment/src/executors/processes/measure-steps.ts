/** Measures a few steps of a trial in a process of its own, as the trial itself is trained. */
import { fork } from 'node:child_process';

import { messageOf, UsageError } from '../../errors.js';
import type { TrialCosts } from '../../measure-steps.js';
import { trialLabel, type Trial } from '../../trial/trial.js';
import { endOf, processFile, type StepsMessage, type StepsOrder } from './messages.js';
import { stopOn } from './stopping.js';

/** @throws UsageError when it fails there */
export function measureStepsInProcess(
  trial: Trial,
  { dataFolder, signal }: { readonly dataFolder: string; readonly signal: AbortSignal },
): Promise<TrialCosts> {
  const child = fork(processFile('steps-process'), { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  stopOn(signal, child);
  return new Promise((resolve, reject) => {
    const fail = (why: unknown) =>
      reject(new UsageError(`${trialLabel(trial)} cannot be measured: ${messageOf(why).split('\n')[0]}`));
    child.once('message', (message: StepsMessage) => {
      // Some drivers hang when they are unloaded.
      child.kill('SIGKILL');
      if (message.type === 'measured') resolve(message.costs);
      else fail(message.message);
    });
    child.once('error', fail);
    child.once('exit', (code, killedBy) =>
      signal.aborted ? reject(signal.reason) : fail(`its process ${endOf(code, killedBy)}`),
    );
    child.send({ trial, dataFolder } satisfies StepsOrder);
  });
}
