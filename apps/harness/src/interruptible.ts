/** Commands that are told to stop end what they started, and say how to go on. */
import { unlessAborted } from '@espalier/experiment';

import { InterruptedError } from './errors.js';

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What it takes to end trials that do not obey. */
export const GRACE_MS = 10_000;

/** What is said of work that goes on in a folder when the command is given again. */
export const goesOnIn = (out: string): string => `the same command with --out ${out} goes on from here`;

/**
 * @param then what is said of how things stand, or how they go on
 * @param graceMs what ending them may take
 */
export async function interruptibly<T>(
  then: string,
  work: (signal: AbortSignal) => Promise<T>,
  graceMs: number = GRACE_MS,
): Promise<T> {
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    interruption.abort(new InterruptedError(signal, `Interrupted: ${then}`));
  };
  for (const signal of INTERRUPTIONS) process.once(signal, interrupt);
  try {
    return await unlessAborted(work(interruption.signal), interruption.signal, graceMs);
  } finally {
    for (const signal of INTERRUPTIONS) process.removeListener(signal, interrupt);
  }
}
