/** Sums along one axis into places of another length: the transpose of a sparse matrix, times a tensor. */
import type { Values } from './arrays.js';

/** Of each element along the axis, the places that it goes to, with what share of it. */
export type Shares = readonly (readonly (readonly [place: number, share: number])[])[];

/** @returns the tensor with `length` places along the axis, in the place of as many elements as there are shares */
export function fold({ shape, values }: Values, axis: number, length: number, shares: Shares): Values {
  const size = (sizes: readonly number[]) => sizes.reduce((product, count) => product * count, 1);
  const [before, after] = [size(shape.slice(0, axis)), size(shape.slice(axis + 1))];
  const folded = new Float32Array(before * length * after);
  for (let outer = 0; outer < before; outer++) {
    shares.forEach((places, element) => {
      const from = (outer * shares.length + element) * after;
      for (const [place, share] of places) {
        const to = (outer * length + place) * after;
        for (let i = 0; i < after; i++) folded[to + i]! += share * values[from + i]!;
      }
    });
  }
  return { shape: shape.map((count, i) => (i === axis ? length : count)), values: folded };
}
