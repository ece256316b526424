/** What the sweep knows of an op: how to draw a call of it, how tfjs computes it, and how its gradient is known. */
import type * as tf from '@tensorflow/tfjs';

import type { Random } from './random.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A tensor as plain data. Gradients are taken by those of float32. */
export interface Input {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
}

/** One call of an op. */
export interface Sample {
  readonly inputs: readonly Input[];
  readonly attributes: { readonly [key: string]: Json };
}

export interface SweptOp {
  /** Also what the reference program calls it. */
  readonly name: string;
  /**
   * How the gradient is known: of an op that is affine in each of its inputs from the op itself, one basis vector at a
   * time; of others by differences, where there are kinks beside them.
   */
  readonly known: 'by basis vectors' | 'by differences' | 'by differences beside kinks';
  readonly sample: (random: Random) => Sample;
  // Attributes are plain data of the row's own making.
  readonly compute: (inputs: never, attributes: never) => tf.Tensor | tf.Tensor[];
  /** How large the error of a right gradient may be, beside the largest element; 1e-3 unless given. */
  readonly tolerance?: number;
}

/** A row of the table, with its attributes' type checked. */
export function swept<Inputs extends readonly tf.Tensor[], Attributes extends object>(row: {
  readonly name: string;
  readonly known: SweptOp['known'];
  readonly sample: (random: Random) => { readonly inputs: readonly Input[]; readonly attributes: Attributes };
  readonly compute: (inputs: Inputs, attributes: Attributes) => tf.Tensor | tf.Tensor[];
  readonly tolerance?: number;
}): SweptOp {
  return row as unknown as SweptOp;
}

/** How far differences reach: distinct values are further apart than both ends of it. */
export const REACH = 0.02;

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** Values in a range. */
export function within(random: Random, shape: readonly number[], low = -1.5, high = 1.5): Input {
  const values = Array.from({ length: sizeOf(shape) }, () => single(random.uniform(low, high)));
  return { shape, values, dtype: 'float32' };
}

/** Values that all differ, from one another and from zero, by more than differences reach. */
export function distinct(random: Random, shape: readonly number[]): Input {
  return separate(random, [shape])[0]!;
}

/** The same over several tensors: none of one is near one of another. */
export function separate(random: Random, shapes: readonly (readonly number[])[]): Input[] {
  const total = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
  const places = random.shuffled(Array.from({ length: total }, (_, i) => i - Math.floor(total / 2) + 0.5));
  let next = 0;
  return shapes.map((shape) => {
    const values = Array.from({ length: sizeOf(shape) }, () =>
      single(places[next++]! * 3 * REACH + random.uniform(-REACH / 4, REACH / 4)),
    );
    return { shape, values, dtype: 'float32' as const };
  });
}

/** Whole numbers, from `low` to `high`. */
export function integers(random: Random, shape: readonly number[], low: number, high: number): Input {
  const values = Array.from({ length: sizeOf(shape) }, () => random.integer(low, high));
  return { shape, values, dtype: 'int32' };
}

/** A shape of a rank between the two, of few elements; now and then one without any. */
export function anyShape(random: Random, lowest = 0, highest = 4): number[] {
  const rank = random.integer(lowest, highest);
  const largest = rank <= 2 ? 5 : 3;
  const shape = Array.from({ length: rank }, () => random.integer(1, largest));
  if (rank > 0 && random.chance(0.06)) shape[random.integer(0, rank - 1)] = 0;
  return shape;
}

/** Two shapes that broadcast: axes of 1, and axes that are missing, on either side. */
export function broadcasting(random: Random, highest = 4): [number[], number[]] {
  const whole = anyShape(random, 0, highest);
  const narrowed = () => {
    // Not an axis of no elements: tfjs does not sum over such, and refuses for the shape.
    const shape = whole.map((size) => (size > 0 && random.chance(0.25) ? 1 : size));
    const missing = whole.includes(0) ? 0 : random.integer(0, shape.length);
    return random.chance(0.3) ? shape.slice(missing) : shape;
  };
  if (random.chance(0.3)) return [whole, [...whole]];
  return [narrowed(), narrowed()];
}

/** An axis of a tensor of this rank, counted from either end. */
export function anyAxis(random: Random, rank: number): number {
  const axis = random.integer(0, rank - 1);
  return random.chance(0.4) ? axis - rank : axis;
}

/** Axes to reduce: none named, one, or several, in any order, counted from either end. */
export function anyAxes(random: Random, rank: number): null | number | number[] {
  if (rank === 0 || random.chance(0.2)) return null;
  if (random.chance(0.4)) return anyAxis(random, rank);
  const axes = random.some(
    Array.from({ length: rank }, (_, i) => i),
    1,
  );
  return random.shuffled(axes).map((axis) => (random.chance(0.3) ? axis - rank : axis));
}

/** As float32 holds it: what is sent elsewhere is what is computed with. */
const single = Math.fround;
