/**
 * The state of an optimiser as numbers, to go on from it to the bit. tfjs' own `getWeights` leaves out the powers of β
 * that its Adam keeps, and makes them anew with other roundings; so of tfjs' optimisers the slots are read where they are
 * kept. Any other is asked by `getWeights` and `setWeights`.
 */
import * as tf from '@tensorflow/tfjs';

import { isSlotList } from './optimizer-state.js';

/** Numbers of one tensor. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly values: Float32Array | Int32Array | Uint8Array;
  /** Of a slot in a list: what tfjs calls it, the variable's name with the slot's own. */
  readonly slot?: string;
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
type SlotList = { originalName: string; variable: tf.Variable }[];

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
    if (isSlotList(value)) {
      slots.push(
        ...value.map(async ({ originalName, variable }) => ({
          ...(await stored(field, variable)),
          slot: originalName,
        })),
      );
    } else if (value instanceof tf.Variable) slots.push(stored(field, value));
  }
  return {
    kind,
    numbers: { [ITERATIONS]: (fields[ITERATIONS] as number | undefined) ?? 0 },
    slots: await Promise.all(slots),
  };
}

/**
 * @param trained the variables that the optimiser trains, in its order, where that is known
 * @throws RangeError for slots that are not such an optimiser's
 */
export function assertOptimizerState(
  optimizer: tf.Optimizer,
  { kind, numbers, slots }: OptimizerState,
  trained: readonly tf.Variable[] | null,
): void {
  const refuse = (why: string) => {
    throw new RangeError(`holds a state that a ${kind} optimiser does not have: ${why}`);
  };
  if (!isOfTfjs(optimizer)) return;
  const fields = optimizer as unknown as Fields;
  const iterations = numbers[ITERATIONS];
  if (!Number.isInteger(iterations) || iterations! < 0) refuse(`${iterations} steps`);
  const lists = new Map<string, StoredTensor[]>();
  for (const slot of slots) {
    const value = fields[slot.name];
    if (!Object.hasOwn(fields, slot.name) || !isStateful(value)) refuse(`slots '${slot.name}'`);
    if (slot.dtype !== 'float32') refuse(`${slot.name} of ${slot.dtype}`);
    if (value instanceof tf.Variable) {
      if (slot.shape.join() !== value.shape.join())
        refuse(`${slot.name} of the shape [${slot.shape.join(', ')}]`);
    } else lists.set(slot.name, [...(lists.get(slot.name) ?? []), slot]);
  }
  const shapesOf = (list: readonly StoredTensor[]) => list.map(({ shape }) => shape.join('×')).join(' ');
  const shapes = [...lists].map(([, list]) => shapesOf(list));
  if (new Set(shapes).size > 1) refuse(`lists of different slots, ${[...lists.keys()].join(', ')}`);
  const now = trained?.map(({ shape }) => shape.join('×')).join(' ');
  if (now !== undefined && shapes.length > 0 && shapes[0] !== now) {
    refuse(`slots for variables of the shapes ${shapes[0]}, where ${now} are trained`);
  }
}

/**
 * @param renamed the name that a variable of the stored run has in this one
 * @throws Error for a state of another kind of optimiser
 */
export async function restoreOptimizerState(
  optimizer: tf.Optimizer,
  state: OptimizerState,
  renamed: (name: string) => string,
): Promise<void> {
  if (!isOfTfjs(optimizer)) {
    const tensors = state.slots.map(({ name, values, shape, dtype }) => ({
      name,
      tensor: tf.tensor(values, [...shape], dtype),
    }));
    await optimizer.setWeights(tensors).finally(() => tf.dispose(tensors.map(({ tensor }) => tensor)));
    return;
  }
  const fields = optimizer as unknown as Fields;
  for (const [field, value] of Object.entries(fields)) {
    if (!isStateful(value)) continue;
    const slots = state.slots.filter(({ name }) => name === field);
    if (value instanceof tf.Variable) slots.forEach((slot) => assign(value, slot));
    else replace(value, slots, renamed);
  }
  fields[ITERATIONS] = state.numbers[ITERATIONS];
}

/** By its prototypes: for `instanceof`, tfjs takes whatever has an optimiser's methods for one of any of its classes. */
function isOfTfjs(optimizer: tf.Optimizer): boolean {
  return OF_TFJS.some(({ prototype }) => Object.prototype.isPrototypeOf.call(prototype, optimizer));
}

function isStateful(value: unknown): value is SlotList | tf.Variable {
  return value instanceof tf.Variable || (Array.isArray(value) && (value.length === 0 || isSlotList(value)));
}

function replace(list: SlotList, slots: readonly StoredTensor[], renamed: (name: string) => string): void {
  tf.dispose(list.map(({ variable }) => variable));
  list.length = 0;
  tf.tidy(() => {
    for (const { slot = '', values, shape, dtype } of slots) {
      const variable = tf.variable(tf.tensor(values, [...shape], dtype), false);
      const at = slot.lastIndexOf('/');
      list.push({ originalName: `${renamed(slot.slice(0, at))}${slot.slice(at)}`, variable });
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
