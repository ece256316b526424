/** Embeddings: a row of a table for each number. */
import { kernel, type Layer } from '../network.js';

/** Inputs are whole numbers from 0 and under `entries`. */
export function embedding(name: string, entries: number, size: number): Layer {
  const table = kernel(`${name}/embeddings`, [entries, size]);
  return {
    name,
    parameters: [table],
    kernels: [table],
    trainable: true,
    apply: (pass, { shape, nodes }) => {
      const rows = pass.read(table);
      pass.meets(table, (entry) => nodes.filter((node) => pass.tape.value(node) === entry).length);
      return {
        shape: [...shape, size],
        nodes: nodes.flatMap((node) => {
          const row = pass.tape.value(node);
          return rows.slice(row * size, (row + 1) * size);
        }),
      };
    },
  };
}
