/** A trial that may take so long and no longer: then it fails, and the others go on. */
import { UsageError } from '../errors.js';
import { unlessAborted } from '../patience.js';
import { duration } from '../quantities.js';
import type { TrialOutcome } from '../trial/trial.js';
import type { Executor, RunOptions, Work } from './executor.js';

/** How long an executor has to end a trial that was told to stop. */
const GRACE_MS = 30_000;

/** What a timer can wait. */
const LONGEST_MINUTES = 35_000;

/** @throws UsageError for a limit that is none */
export function assertLimit(minutes: number | undefined): void {
  if (minutes === undefined || (minutes > 0 && minutes <= LONGEST_MINUTES)) return;
  throw new UsageError(`A trial's limit of ${minutes} minutes is outside (0, ${LONGEST_MINUTES}]`);
}

/**
 * Runs a trial under a limit, if there is one.
 *
 * @throws the signal's reason when it was aborted
 */
export async function runLimited(
  executor: Pick<Executor, 'run'>,
  work: Work,
  options: RunOptions,
  minutes: number | undefined,
): Promise<TrialOutcome> {
  const limit = new AbortController();
  const timer = minutes === undefined ? undefined : setTimeout(() => limit.abort(), minutes * 60_000);
  const signal = AbortSignal.any([options.signal, limit.signal]);
  try {
    return await unlessAborted(executor.run(work, { ...options, signal }), signal, GRACE_MS);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    const after = duration((minutes as number) * 60_000);
    const message = `it was ended after ${after}, its limit: run again with a longer --trial-timeout, and it goes on from its last checkpoint`;
    return { status: 'failed', message };
  } finally {
    clearTimeout(timer);
  }
}
