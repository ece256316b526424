/** Errors that the command answers with one line, and with which exit code. */
import { constants } from 'node:os';

/** The command was misused: exit code 2. The message says how to mend it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was told to stop: the exit code is the shell's for that signal, 128 and its number. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, message: string) {
    super(message);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Errors of the packages below that are the user's to mend: what they say needs no stack trace. By name, since a
 * user's own module may have another copy of the package.
 */
const USAGE_ERRORS = new Set(['UsageError', 'DataError', 'BackendError', 'AcceleratorError']);

export function isUsageError(error: unknown): error is Error {
  return error instanceof Error && USAGE_ERRORS.has(error.name);
}
