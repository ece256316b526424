/** Errors that only the command has. */
import { constants } from 'node:os';

/** The command was told to stop: the exit code is the shell's for that signal, 128 and its number. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, message: string) {
    super(message);
    this.exitCode = 128 + constants.signals[signal];
  }
}
