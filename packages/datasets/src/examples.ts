/**
 * What every data set is: numbers of examples, of which batches can be gathered in any order, as plain typed arrays.
 * Nothing here knows tensors, nor whether the examples lie in memory or are read from files as they are asked for.
 */

/** What one example has of a kind: one of the model's inputs, or its target. */
export interface Field {
  /** Of one example: `[28, 28, 1]` of an image; `[]` of a single number, such as a class index. */
  readonly shape: readonly number[];
  readonly type: 'float32' | 'int32';
}

/** Numbers of a batch as one flat array, example by example: a `Float32Array` of float32, an `Int32Array` of int32. */
export type Values = Float32Array | Int32Array;

export interface Batch {
  /** For each of the model's inputs, in their order. */
  readonly inputs: readonly Values[];
  readonly targets: Values;
  /** How much each example counts in training; all alike where it is absent. */
  readonly weights?: Float32Array;
}

/** What a batch of training is drawn for: what is random in an example is drawn anew in each epoch. */
export interface Draw {
  readonly seed: number;
  /** From 0. */
  readonly epoch: number;
}

export interface Examples {
  readonly count: number;
  /** The model's inputs, in their order. */
  readonly inputs: readonly Field[];
  readonly target: Field;
  /**
   * The examples at these indices, in this order: at once where they lie in memory, later where they are read.
   *
   * @param draw in training. Without one nothing is random: as examples are when a model is judged.
   * @throws DataError when what was there can no longer be read
   */
  gather(indices: ArrayLike<number>, draw?: Draw): Batch | Promise<Batch>;
}

/** Examples that lie in memory. */
export interface MemoryExamples extends Examples {
  gather(indices: ArrayLike<number>, draw?: Draw): Batch;
}

export interface DataSet {
  readonly train: Examples;
  /** Cut from the training examples; absent where nobody asked for it: `cutValidation()`. */
  readonly validation?: Examples;
  readonly test: Examples;
  /**
   * What the content is known by: two sets of one digest hold the same examples. Where it is absent, all examples are
   * read and hashed for it.
   */
  digest?(): string | Promise<string>;
  /** The classes' names in the order of their indices, where the targets are classes. */
  readonly classes?: readonly string[];
  /** Closes files; the examples cannot be gathered any more. */
  close?(): void | Promise<void>;
}

/** How many numbers one example has of it. */
export function sizeOf({ shape }: Pick<Field, 'shape'>): number {
  return shape.reduce((size, length) => size * length, 1);
}
