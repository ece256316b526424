/** A task: what a model's outputs are for, by which it is trained and judged. */
import type { Loss, QualityMeasure } from '../measure.js';

export interface Task {
  /** Lower case, words joined by hyphens; measures name the tasks that they are for. */
  readonly name: string;
  /** What training minimises, and the first measure of quality. */
  readonly loss: Loss;
  /** Measures of its own, beside the loss and those that name this task. */
  readonly measures?: readonly QualityMeasure[];
}
