/**
 * Resetting an optimiser's state at a phase switch: what momentum and moments remember belongs to another
 * support (Peste et al., arXiv 2106.12379 §4; arXiv 2402.17902 §4.1).
 *
 * tfjs has no call for it. Its optimisers keep their slots in arrays of `{ originalName, variable }`, made
 * when first needed, and (Adam, Adamax) the powers of β in variables of their own; both are reset here. An
 * optimiser from elsewhere offers `resetState()`.
 */
import * as tf from '@tensorflow/tfjs';

/** An optimiser that knows how to forget. */
export interface ResettableOptimizer extends tf.Optimizer {
  resetState(): void;
}

/** The powers of β that tfjs' Adam and Adamax keep, and what each starts from. */
const BETA_POWERS = { accBeta1: 'beta1', accBeta2: 'beta2' } as const;

/** Puts the optimiser's slots back to where they start. Its settings stay. */
export function resetOptimizerState(optimizer: tf.Optimizer): void {
  if ('resetState' in optimizer && typeof optimizer.resetState === 'function') {
    (optimizer as ResettableOptimizer).resetState();
    return;
  }
  const fields = optimizer as unknown as Record<string, unknown>;
  for (const value of Object.values(fields)) {
    if (!isSlotList(value)) continue;
    tf.dispose(value.map((slot) => slot.variable));
    value.length = 0; // tfjs makes the slots anew, at their starting value, with the next step.
  }
  fields['iterations_'] = 0; // What tfjs' Adam restores the powers of β from, in `setWeights`.
  for (const [power, beta] of Object.entries(BETA_POWERS)) {
    if (!(fields[power] instanceof tf.Variable)) continue;
    const variable = fields[power];
    tf.tidy(() => variable.assign(tf.scalar(fields[beta] as number)));
  }
}

export function isSlotList(value: unknown): value is { originalName: string; variable: tf.Variable }[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((slot) => slot?.variable instanceof tf.Variable)
  );
}
