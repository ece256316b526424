/**
 * What the table test (`every-op.test.ts`) knows of an op, told in the file `cases.ts` of its folder: how to call it, on
 * what inputs, and its definition in double precision, independent of every kernel and of its composition.
 */
import type * as tf from '@tensorflow/tfjs';
import type fc from 'fast-check';

/** Numbers by the names of the inputs. */
export type Arrays = Readonly<Record<string, Float64Array>>;

/** Numbers, each with what its rounding is relative to. */
export interface Measured {
  readonly values: Float64Array;
  readonly magnitudes: Float64Array;
}

export interface Definition {
  result(inputs: Arrays): Measured;
  /** Of Σ dy · result, by each input. */
  gradients(inputs: Arrays, dy: Float64Array): Readonly<Record<string, Measured>>;
  /** Whether a number of the result is away from a kink, where rounding would decide about its gradient. */
  isSmooth?(inputs: Arrays): (at: number) => boolean;
}

export interface OpCase<Settings = unknown> {
  /** A sentence's subject: the op, and in what way it is called. */
  readonly name: string;
  /** Random settings: shapes, ragged edges, patterns, empty batches, attributes. */
  readonly settings: fc.Arbitrary<Settings>;
  /** Of each input by name. */
  shapes(settings: Settings): Readonly<Record<string, readonly number[]>>;
  resultShape(settings: Settings): readonly number[];
  /** Calls the op. */
  run(inputs: Readonly<Record<string, tf.Tensor>>, settings: Settings): tf.Tensor;
  define(settings: Settings): Definition;
  /** Lets go of the tensors that the settings have kept, when both values and gradients are known. */
  release?(settings: Settings): void;
}

/** A case among those of other settings. */
export function opCase<Settings>(own: OpCase<Settings>): OpCase {
  return own as OpCase as OpCase<unknown>;
}

/**
 * Visits the terms of a sum of products: to which number of the result each is added, and the place of its factor in
 * each of the inputs, in the order of `shapes`; left out, or −1, where the input is no factor of the term.
 */
export type Terms = (visit: (to: number, first: number, second?: number, third?: number) => void) => void;

/** The definition of an op that is linear in each of its inputs. */
export function sumOfProducts(size: number, terms: Terms): Definition {
  const result = (inputs: Arrays) => {
    const sums = new Float64Array(size);
    const [a, b, c] = Object.values(inputs);
    terms((to, first, second, third) => {
      sums[to]! += factor(a, first) * factor(b, second) * factor(c, third);
    });
    return sums;
  };
  const gradients = (inputs: Arrays, dy: Float64Array) => {
    const factors = Object.values(inputs);
    const [a, b, c] = factors;
    const sums = factors.map(({ length }) => new Float64Array(length));
    const [da, db, dc] = sums;
    const add = (to: Float64Array | undefined, place: number | undefined, term: number) => {
      if (to && place !== undefined && place >= 0) to[place]! += term;
    };
    terms((to, first, second, third) => {
      const [x, y, z] = [factor(a, first), factor(b, second), factor(c, third)];
      add(da, first, dy[to]! * y * z);
      add(db, second, dy[to]! * x * z);
      add(dc, third, dy[to]! * x * y);
    });
    return sums;
  };
  return {
    result: (inputs) => ({ values: result(inputs), magnitudes: result(absolute(inputs)) }),
    gradients: (inputs, dy) => {
      const [values, magnitudes] = [gradients(inputs, dy), gradients(absolute(inputs), dy.map(Math.abs))];
      return Object.fromEntries(
        Object.keys(inputs).map((name, i) => [name, { values: values[i]!, magnitudes: magnitudes[i]! }]),
      );
    },
  };
}

/** max(0, …) of a definition. */
export function rectified({ result, gradients }: Definition): Definition {
  return {
    result: (inputs) => {
      const { values, magnitudes } = result(inputs);
      return { values: values.map((value) => Math.max(0, value)), magnitudes };
    },
    gradients: (inputs, dy) => {
      const { values } = result(inputs);
      return gradients(
        inputs,
        dy.map((flow, at) => (values[at]! > 0 ? flow : 0)),
      );
    },
    isSmooth: (inputs) => {
      const { values, magnitudes } = result(inputs);
      return (at) => Math.abs(values[at]!) > 1e-4 * magnitudes[at]!;
    },
  };
}

function factor(values: Float64Array | undefined, place = -1): number {
  return values && place >= 0 ? values[place]! : 1;
}

function absolute(inputs: Arrays): Arrays {
  return Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values.map(Math.abs)]));
}
