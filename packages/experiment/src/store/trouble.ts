/** What can be wrong with what lies in a store. */

/** Something lies there that cannot be believed, so that it is made anew. The message says what, and why. */
export class Doubtful extends Error {
  override readonly name = 'Doubtful';
}

/** A place cannot be used. The message names it, and what to do. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** Another owner has taken the trial over: what is still written to it is refused. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}
