/** A task: what a model's outputs are for, by which it is trained and judged. */
import type { Loss, QualityMeasure } from '../measure.js';

export interface Task {
  /** Lower case, words joined by hyphens; measures name the tasks that they are for. */
  readonly name: string;
  /** What training minimises, and the first measure of quality. */
  readonly loss: Loss;
  /**
   * Looks at what it is to be trained on, before the first step: called for stretches of the training and of the test
   * examples, until it finds fault. Without it a model that does not fit, or a label that is none, is not noticed.
   *
   * @returns what is wrong and how to mend it, in words that follow a colon; null where nothing is
   */
  check?(examined: Examined): string | null;
  /** Measures of its own, beside the loss and those that name this task. */
  readonly measures?: readonly QualityMeasure[];
}

/** A stretch of examples, and the outputs that a model has for them. */
export interface Examined {
  /** Of one example; null for a length that is free. */
  readonly outputShape: readonly (number | null)[];
  /** What the model applies last, such as `softmax`; `linear` where that is nothing, or is not known. */
  readonly outputActivation: string;
  /** Of one example; `[]` for a single number. */
  readonly targetShape: readonly number[];
  /** Example by example. */
  readonly targets: Float32Array | Int32Array;
  /** Which example, from 0, the stretch begins with. */
  readonly first: number;
}
