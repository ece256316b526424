/** What a command of `espalier` is: what it takes, and what it does. */
import type { Command as Commander } from 'commander';

export interface Command {
  /** Its name, and the values that follow it: `report <folder>`. */
  readonly usage: string;
  readonly description: string;
  /** A command that it belongs to, of which it is one word more: `data get`. */
  readonly under?: { readonly name: string; readonly description: string };
  /** Adds the options that it takes. */
  arguments(command: Commander): Commander;
  /**
   * Is given the values of its usage, then the options.
   *
   * @returns the exit code; 0 when nothing
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the values are as its arguments parse them.
  run(...given: any[]): Promise<number | void> | number | void;
}
