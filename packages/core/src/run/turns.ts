/** Calls that have to come one after the other: in the midst of one, masks and weights do not belong together. */
export class Turns {
  #current: { readonly call: string; readonly over: Promise<unknown> } | null = null;
  /** What was found wrong where nobody may have waited for it: every call to come says it, too. */
  #broken: Error | null = null;

  get isFree(): boolean {
    return this.#current === null;
  }

  /** @throws Error when the call before has not ended, then and at every later call */
  async take<T>(call: string, work: () => Promise<T>): Promise<T> {
    if (this.#broken) throw this.#broken;
    if (this.#current) {
      throw this.break(
        `${call} was called before ${this.#current.call} had ended: wait for each, \`await ` +
          `pruning.${this.#current.call}\`. What was trained meanwhile may have been trained under other masks: ` +
          'resume() an earlier checkpoint, or abandon() this run',
      );
    }
    return this.#run(call, work);
  }

  /** Waits until the calls before have ended, however they ended. */
  async afterwards<T>(call: string, work: () => Promise<T>): Promise<T> {
    while (this.#current) await this.#current.over.catch(() => {});
    return this.#run(call, work);
  }

  /** Makes every call to come fail with this. */
  break(message: string): Error {
    this.#broken = new Error(message);
    return this.#broken;
  }

  /** Forgets what was found wrong: all that it may have spoilt is replaced. */
  mend(): void {
    this.#broken = null;
  }

  async #run<T>(call: string, work: () => Promise<T>): Promise<T> {
    const over = work();
    this.#current = { call, over };
    try {
      return await over;
    } finally {
      this.#current = null;
    }
  }
}
