/** The summary in the output folder, written again and again: that it once cannot be ends nothing. */
import { writeSummary, type Store, type Summary } from '@espalier/experiment';

import { commandLine } from './command-line.js';

export class SummaryFile {
  /** Why what was to be written last is not there, in a line; null where it is. */
  trouble: string | null = null;
  readonly #store: () => Store;

  constructor(store: () => Store) {
    this.#store = store;
  }

  async write(summary: Summary): Promise<void> {
    try {
      await writeSummary(this.#store(), { ...summary, command: commandLine() });
      this.trouble = null;
    } catch (error) {
      this.trouble = `The summary cannot be written: ${(error as Error).message.split('\n')[0]}`;
    }
  }
}
