/** Examples that lie in memory, as typed arrays. */
import { sizeOf, type Field, type MemoryExamples, type Values } from './examples.js';

/** All examples of one field, one after another. */
export interface Column extends Field {
  readonly values: Values;
}

/**
 * Examples from whole columns.
 *
 * @param weights one for each example
 */
export function inMemory(inputs: readonly Column[], target: Column, weights?: Float32Array): MemoryExamples {
  const field = ({ shape, type }: Column): Field => ({ shape, type });
  return {
    count: target.values.length / sizeOf(target),
    inputs: inputs.map(field),
    target: field(target),
    gather: (indices) => ({
      inputs: inputs.map((column) => gathered(column, indices)),
      targets: gathered(target, indices),
      ...(weights && { weights: Float32Array.from(indices, (index) => weights[index] as number) }),
    }),
  };
}

function gathered(column: Column, indices: ArrayLike<number>): Values {
  const size = sizeOf(column);
  const { values, type } = column;
  const batch = new (type === 'int32' ? Int32Array : Float32Array)(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * size;
    batch.set(values.subarray(from, from + size), i * size);
  }
  return batch;
}
