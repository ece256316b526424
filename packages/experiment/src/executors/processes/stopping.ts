/** Ending a process that was started here: asked first, and made to when it does not. */
import type { ChildProcess } from 'node:child_process';

/** Between the two. */
const GRACE_MS = 5000;
/** How long what it has said may still come, where a process that it started in its turn holds its pipe. */
const LAST_WORDS_MS = 1000;

/** SIGTERM when the signal is aborted, and SIGKILL when that was no use. */
export function stopOn(signal: AbortSignal, child: ChildProcess, graceMs: number = GRACE_MS): void {
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    child.kill('SIGTERM');
    killing = setTimeout(() => child.kill('SIGKILL'), graceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.once('exit', () => {
    clearTimeout(killing);
    signal.removeEventListener('abort', stop);
    setTimeout(() => child.stderr?.destroy(), LAST_WORDS_MS).unref();
  });
}
