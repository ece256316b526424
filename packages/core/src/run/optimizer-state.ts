/**
 * Making an optimiser forget: all that it remembers, at a phase switch, as what momentum and moments hold belongs to
 * another support (Peste et al., arXiv 2106.12379 §4; arXiv 2402.17902 §4.1); or what it remembers of single weights,
 * which are grown (Evci et al., arXiv 1911.11134, the authors' code).
 *
 * tfjs has no call for either. Its optimisers keep their slots in arrays of `{ originalName, variable }`, made when
 * first needed, in the order of the gradients that they are given, and (Adam, Adamax) the powers of β in variables of
 * their own. An optimiser from elsewhere offers `resetState()` and `slots()`.
 */
import * as tf from '@tensorflow/tfjs';

/** An optimiser that knows how to forget. */
export interface ResettableOptimizer extends tf.Optimizer {
  resetState(): void;
  /**
   * What it remembers of each of these variables, of its shape and zeros at first; nothing of one that it has not seen.
   *
   * @param names of the variables, in the order in which `applyGradients` is given their gradients
   */
  slots?(names: readonly string[]): readonly (readonly tf.Variable[])[];
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

/**
 * Puts the slots of single weights back to where they start, and touches no other.
 *
 * @param order the names of all variables that the optimiser trains, in the order in which it is given their gradients
 * @param name the variable's
 * @param forgotten of its shape, 1 for a weight to forget, else 0
 */
export function forgetWeights(
  optimizer: tf.Optimizer,
  order: readonly string[],
  name: string,
  forgotten: tf.Tensor,
): void {
  const slots = slotsOf(optimizer, order)[order.indexOf(name)] ?? [];
  tf.tidy(() => {
    const where = forgotten.cast('bool');
    for (const { variable, start } of slots) {
      variable.assign(tf.where(where, tf.fill(variable.shape, start), variable));
    }
  });
}

/** @throws TypeError for an optimiser that does not tell its slots */
export function assertTellsSlots(optimizer: tf.Optimizer): void {
  const { resetState, slots } = optimizer as Partial<ResettableOptimizer>;
  if (!resetState || slots) return;
  throw new TypeError(
    `${optimizer.getClassName()} does not tell what it remembers of single weights, which is to be forgotten where ` +
      'blocks are grown: give it a method slots(names), see ResettableOptimizer',
  );
}

interface Slot {
  readonly variable: tf.Variable;
  /** The value that it has at first. */
  readonly start: number;
}

function slotsOf(optimizer: tf.Optimizer, names: readonly string[]): readonly (readonly Slot[])[] {
  const { slots } = optimizer as Partial<ResettableOptimizer>;
  if (slots) {
    const variables = slots.call(optimizer, names);
    return variables.map((ofOne) => ofOne.map((variable) => ({ variable, start: 0 })));
  }
  const fields = optimizer as unknown as Record<string, unknown>;
  const lists = Object.values(fields).filter(isSlotList);
  // Adagrad's alone do not start at zero.
  const start = (fields['initialAccumulatorValue'] as number | undefined) ?? 0;
  return names.map((_, i) =>
    lists.flatMap((list) => (list[i] ? [{ variable: list[i].variable, start }] : [])),
  );
}

export function isSlotList(value: unknown): value is { originalName: string; variable: tf.Variable }[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((slot) => slot?.variable instanceof tf.Variable)
  );
}
