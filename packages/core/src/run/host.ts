/** What a run of pruning is given, and what it asks of the thing whose kernels it prunes. */
import type * as tf from '@tensorflow/tfjs';

import type { Overrides } from '../overrides.js';
import type { Pruner } from '../pruner.js';
import type { Budget } from './budget.js';
import type { NamedVariable } from './checkpoint.js';

/** What the state machine asks of the thing whose kernels it prunes. */
export interface PruningHost {
  /**
   * The optimiser to reset at a phase switch, and whose steps are left out; null when there is none with a state,
   * undefined while not known.
   */
  optimizer(): tf.Optimizer | null | undefined;
  /** The variables that the optimiser trains itself, in its order, where that is known. */
  trained?(): readonly tf.Variable[];
  /** Every variable of the model, those that parameterisations added and their buffers among them, in a fixed order. */
  variables(): readonly NamedVariable[];
  /** All weights of the model, not counting what parameterisations added. */
  weights(): number;
  /** The norms of the kernels' inputs, in their order, which the caller disposes; absent where none were given. */
  inputNorms?(): tf.Tensor2D[];
  /** Called once the kernels hold their effective weights: takes out what was added to the model. */
  settle(): void;
  /** Takes the rest of the pruning's hooks out. */
  release(): void;
}

export interface PruningSettings {
  readonly pruner: Pruner;
  readonly budget: Budget;
  readonly totalSteps: number;
  /** What the target gives single kernels, for the report. */
  readonly overrides: Overrides;
}
