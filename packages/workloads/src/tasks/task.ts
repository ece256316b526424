/** A task: what a model's outputs are for, by which it is trained and judged. */
import type { Loss, QualityMeasure, WeightedLoss } from '../measure.js';

export interface Task {
  /** Lower case, words joined by hyphens; measures name the tasks that they are for. */
  readonly name: string;
  /** What training minimises, and the first measure of quality. */
  readonly loss: Loss;
  /** What it minimises in the place of it, where that is not what is measured: with smoothed labels, say. */
  readonly trainingLoss?: Loss;
  /** What training minimises where the data has weights; without it, such data is refused. */
  readonly weightedLoss?: WeightedLoss;
  /**
   * Looks at what it is trained and judged on, as many examples at a time as are gathered: all that lie in memory before
   * the first step, and of what is read from files the first of them then, and each batch when it comes. Without it a
   * model that does not fit, or a label that is none, is not noticed.
   *
   * @returns what is wrong and how to mend it, in words that follow a colon; null where nothing is
   */
  check?(examined: Examined): string | null;
  /** Measures of its own, beside the loss and those that name this task. */
  readonly measures?: readonly QualityMeasure[];
}

/** Some examples, and the outputs that a model has for them. */
export interface Examined {
  /** Of one example; null for a length that is free. */
  readonly outputShape: readonly (number | null)[];
  /** What the model applies last, such as `softmax`; `linear` where that is nothing, or is not known. */
  readonly outputActivation: string;
  /** Of one example; `[]` for a single number. */
  readonly targetShape: readonly number[];
  /** Example by example. */
  readonly targets: Float32Array | Int32Array;
  /** Which examples they are, by their indices. */
  readonly examples: ArrayLike<number>;
}
