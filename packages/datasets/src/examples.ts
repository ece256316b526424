/**
 * What every data set is: a number of examples, of which batches can be gathered in any order, as plain
 * typed arrays. Nothing here knows tensors.
 */

/** A batch as flat arrays, example by example. */
export interface Batch {
  readonly inputs: Float32Array;
  /** A class index for each example, or `targetShape` numbers for each. */
  readonly targets: Float32Array | Int32Array;
}

export interface Examples {
  readonly count: number;
  /** Shape of one example's input. */
  readonly inputShape: readonly number[];
  /** Shape of one example's target; `[]` for a class index. */
  readonly targetShape: readonly number[];
  /** The examples at these indices, in this order. */
  gather(indices: ArrayLike<number>): Batch;
  /** The whole content, for fingerprints. */
  content(): readonly ArrayBufferView[];
}

export interface DataSet {
  readonly train: Examples;
  readonly test: Examples;
  /**
   * What the content is known by: two sets of one digest hold the same examples. Cheaper than hashing `content()`,
   * which stands for it where it is absent.
   */
  digest?(): string | Promise<string>;
}
