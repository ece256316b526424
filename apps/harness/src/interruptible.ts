/** Commands that are told to stop end their trials, and say how to go on. */
import { unlessAborted } from '@espalier/experiment';

import { InterruptedError } from './errors.js';

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What it takes to end trials that do not obey. */
const GRACE_MS = 10_000;

/** @param out where the work goes on when the command is given again */
export async function interruptibly<T>(out: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    const message = `Interrupted: the same command with --out ${out} goes on from here`;
    interruption.abort(new InterruptedError(signal, message));
  };
  for (const signal of INTERRUPTIONS) process.once(signal, interrupt);
  try {
    return await unlessAborted(work(interruption.signal), interruption.signal, GRACE_MS);
  } finally {
    for (const signal of INTERRUPTIONS) process.removeListener(signal, interrupt);
  }
}
