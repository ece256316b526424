/**
 * The state of an optimiser as numbers, to go on from it to the bit. tfjs' own `getWeights` leaves out the powers of β
 * that its Adam keeps, and makes them anew with other roundings; so of tfjs' optimisers the slots are read where they are
 * kept. Any other is asked by `getWeights` and `setWeights`.
 */
import * as tf from '@tensorflow/tfjs';

import { isSlotList } from './optimizer-state.js';

/** Numbers of one slot. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly values: Float32Array | Int32Array | Uint8Array;
}

export interface OptimizerState {
  /** The optimiser's class, by the name that it is serialised under. */
  readonly kind: string;
  /** Counters. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly slots: readonly StoredTensor[];
}

/** tfjs' own, which keep their state in fields. */
const OF_TFJS = [
  tf.SGDOptimizer,
  tf.MomentumOptimizer,
  tf.RMSPropOptimizer,
  tf.AdagradOptimizer,
  tf.AdadeltaOptimizer,
  tf.AdamOptimizer,
  tf.AdamaxOptimizer,
];

/** The field in which tfjs' `Optimizer` counts its steps. */
const ITERATIONS = 'iterations_';

type Fields = Record<string, unknown>;

export async function optimizerState(optimizer: tf.Optimizer): Promise<OptimizerState> {
  const kind = optimizer.getClassName();
  if (!isOfTfjs(optimizer)) {
    const tensors = await optimizer.getWeights();
    const slots = await Promise.all(tensors.map(({ name, tensor }) => stored(name, tensor)));
    // What is not the optimiser's own variable is the caller's to dispose.
    tf.dispose(tensors.map(({ tensor }) => tensor).filter((tensor) => !(tensor instanceof tf.Variable)));
    return { kind, numbers: {}, slots };
  }
  const fields = optimizer as unknown as Fields;
  const slots: Promise<StoredTensor>[] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (isSlotList(value)) slots.push(...value.map(({ variable }) => stored(field, variable)));
    else if (value instanceof tf.Variable) slots.push(stored(field, value));
  }
  return {
    kind,
    numbers: { [ITERATIONS]: (fields[ITERATIONS] as number | undefined) ?? 0 },
    slots: await Promise.all(slots),
  };
}

/** @throws Error for a state of another kind of optimiser; nothing was changed then */
export async function restoreOptimizerState(optimizer: tf.Optimizer, state: OptimizerState): Promise<void> {
  if (!isOfTfjs(optimizer)) {
    const tensors = state.slots.map(({ name, values, shape, dtype }) => ({
      name,
      tensor: tf.tensor(values, [...shape], dtype),
    }));
    await optimizer.setWeights(tensors).finally(() => tf.dispose(tensors.map(({ tensor }) => tensor)));
    return;
  }
  const fields = optimizer as unknown as Fields;
  const unknown = state.slots.find(({ name }) => !isStateful(fields[name]));
  if (unknown) throw new RangeError(`a ${state.kind} optimiser has no slots '${unknown.name}'`);
  for (const [field, value] of Object.entries(fields)) {
    if (!isStateful(value)) continue;
    const slots = state.slots.filter(({ name }) => name === field);
    if (value instanceof tf.Variable) slots.slice(0, 1).forEach((slot) => assign(value, slot));
    else replace(value, slots);
  }
  fields[ITERATIONS] = state.numbers[ITERATIONS] ?? 0;
}

function isOfTfjs(optimizer: tf.Optimizer): boolean {
  return OF_TFJS.some((kind) => Object.getPrototypeOf(optimizer) === kind.prototype);
}

type SlotList = { originalName: string; variable: tf.Variable }[];

function isStateful(value: unknown): value is SlotList | tf.Variable {
  return value instanceof tf.Variable || (Array.isArray(value) && (value.length === 0 || isSlotList(value)));
}

function replace(list: SlotList, slots: readonly StoredTensor[]): void {
  tf.dispose(list.map(({ variable }) => variable));
  list.length = 0;
  tf.tidy(() => {
    for (const { name, values, shape, dtype } of slots) {
      const variable = tf.variable(tf.tensor(values, [...shape], dtype), false);
      list.push({ originalName: name, variable });
    }
  });
}

function assign(variable: tf.Variable, { values, dtype }: StoredTensor): void {
  tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, dtype)));
}

export async function stored(name: string, tensor: tf.Tensor): Promise<StoredTensor> {
  const values = (await tensor.data()).slice() as StoredTensor['values'];
  return { name, shape: tensor.shape, dtype: tensor.dtype as StoredTensor['dtype'], values };
}
