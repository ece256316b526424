/** How trials side by side, and the threads of each, share the cores of a machine. */
import { UsageError } from '../errors.js';

export interface CoreUse {
  readonly jobs: number;
  readonly threads: number;
  /** One line, where fewer run side by side than was asked for. */
  readonly note: string | null;
}

/**
 * Jobs × threads is at most the cores. Threads are part of what a trial is, so that too many are refused; how many
 * trials run side by side is not, so that too many become as many as there is room for.
 *
 * @param usualJobs how many run side by side where it is not said
 * @throws UsageError
 */
export function shareCores(
  asked: { readonly jobs?: number | undefined; readonly threads?: number | undefined },
  cores: number,
  usualJobs: (threads: number) => number,
): CoreUse {
  const { threads = 1 } = asked;
  if (threads > cores) {
    throw new UsageError(
      `--threads ${threads} is more than the ${cores} cores of this machine: give at most ${cores}`,
    );
  }
  const room = Math.floor(cores / threads);
  const { jobs = Math.min(room, usualJobs(threads)) } = asked;
  if (jobs <= room) return { jobs, threads, note: null };
  const note = `--jobs ${jobs} of ${threads} ${threads === 1 ? 'thread' : 'threads'} each is more than the ${cores} cores: ${room} side by side`;
  return { jobs: room, threads, note };
}
