/** Waiting for what may never come: a promise in a user's module that does not settle, a disk that does not answer. */
import { assertArgument } from '@espalier/core';

import { aSignal, someTime } from './arguments.js';
import { UsageError } from './errors.js';
import { duration } from './quantities.js';

/** What we ask of Node, where this is Node. */
interface NodeProcess {
  on(event: 'beforeExit', listener: () => void): unknown;
  removeListener(event: 'beforeExit', listener: () => void): unknown;
}

export interface Patience {
  readonly ms: number;
  /** What is waited for: the subject of the refusal, naming its file. */
  readonly what: string;
  readonly remedy: string;
}

/** Who is told that nothing is left to do: many may wait at once, with one listener. */
const idle = new Set<() => void>();
const allIdle = () => idle.forEach((giveUp) => giveUp());

/**
 * What is waited for, if it comes within its time. In Node it is also noticed, at once, that nothing is left which could
 * ever bring it.
 *
 * @throws UsageError when it does not
 */
export async function within<T>(awaited: Promise<T>, { ms, what, remedy }: Patience): Promise<T> {
  const { process } = globalThis as { process?: Partial<NodeProcess> };
  const { promise: givenUp, reject } = withRejection();
  const giveUp = (why: string) => reject(new UsageError(`${what} ${why}: ${remedy}`));
  const timer = later(ms, () => giveUp(`has not ended after ${duration(ms)}`));
  const onIdle = () => giveUp('waits for a promise that never settles');
  if (idle.size === 0) process?.on?.('beforeExit', allIdle);
  idle.add(onIdle);
  try {
    return await Promise.race([awaited, givenUp]);
  } finally {
    clearTimeout(timer);
    idle.delete(onIdle);
    if (idle.size === 0) process?.removeListener?.('beforeExit', allIdle);
  }
}

/**
 * What is waited for, or the end of waiting.
 *
 * @param graceMs how long it still may come once the signal was aborted
 * @throws the signal's reason
 */
export async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal, graceMs = 0): Promise<T> {
  assertArgument('unlessAborted()', 'signal', signal, aSignal);
  assertArgument('unlessAborted()', 'graceMs', graceMs, someTime);
  const { promise: aborted, reject } = withRejection();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onAbort = () => {
    // Keeps the process alive: whoever waits wants to know the end.
    timer = setTimeout(() => reject(signal.reason), graceMs);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([awaited, aborted]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** A timer that keeps no process alive. */
function later(ms: number, then: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(then, ms);
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

function withRejection(): { promise: Promise<never>; reject: (reason: unknown) => void } {
  let reject!: (reason: unknown) => void;
  const promise = new Promise<never>((_, rejectIt) => (reject = rejectIt));
  // Nobody may be waiting any more.
  promise.catch(() => {});
  return { promise, reject };
}
