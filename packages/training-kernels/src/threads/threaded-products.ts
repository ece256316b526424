// Products on several threads. The memory of the wasm backend belongs to one thread: what the others need of A and B is
// copied to the memory that the team shares, and their part of C is copied back.

import { memoryOf, type WasmBackend } from '@espalier/wasm-module';
import { kernelsOf } from '../kernels.js';
import type { ThreadedMultiplier } from '../product.js';
import { copiedFor, divide, pays, type ProductShape, type Run } from './division.js';
import type { Part, Team } from './team.js';

export function threadedProducts(backend: WasmBackend, team: Team): ThreadedMultiplier {
  return {
    pays: (transposeA, transposeB, m, n, k) => pays({ transposeA, transposeB, m, n, k }, team.size),

    multiply(transposeA, transposeB, m, n, k, a, b, c, accumulate) {
      const { exports, scratch } = kernelsOf(backend);
      const shape: ProductShape = { transposeA, transposeB, m, n, k };
      const strideA = transposeA ? m : k;
      const strideB = transposeB ? k : n;
      const division = divide(shape, team.size);
      const { byRows, bounds } = division;
      const offsets = team.reserve(m * k, k * n, m * n);
      if (!offsets) {
        exports.multiplyMatrices(
          ...([transposeA, transposeB, m, n, k] as const),
          ...([a, strideA, b, strideB, c, n, accumulate, scratch] as const),
        );
        return;
      }
      const [sharedA, sharedB, sharedC] = offsets as [number, number, number];
      const own = new Float32Array(memoryOf(backend).buffer);
      const shared = team.floats;

      /** Part i of the product, of matrices that begin at these bytes. */
      const part = (i: number, aAt: number, bAt: number, cAt: number): Part => {
        const from = bounds[i]!;
        const length = bounds[i + 1]! - from;
        const [rows, columns] = byRows ? [length, n] : [m, length];
        const aFrom = byRows ? from * (transposeA ? 1 : strideA) : 0;
        const bFrom = byRows ? 0 : from * (transposeB ? strideB : 1);
        const cFrom = from * (byRows ? n : 1);
        return [
          ...([transposeA, transposeB, rows, columns, k] as const),
          ...([aAt + 4 * aFrom, strideA, bAt + 4 * bFrom, strideB] as const),
          ...([cAt + 4 * cFrom, n, accumulate] as const),
        ];
      };

      const copied = copiedFor(shape, division);
      copy(own, a, shared, sharedA, copied.a);
      copy(own, b, shared, sharedB, copied.b);
      if (accumulate) for (const run of copied.c) copy(own, c, shared, sharedC, run);
      const others = Array.from({ length: team.size - 1 }, (_, i) => part(i + 1, sharedA, sharedB, sharedC));
      team.run(others, () => exports.multiplyMatrices(...part(0, a, b, c), scratch));
      for (const run of copied.c) copy(shared, sharedC, own, c, run);
    },
  };
}

/** Copies a run of a matrix that begins at the byte `start` of one memory to where it belongs in the other. */
function copy(
  from: Float32Array,
  fromStart: number,
  to: Float32Array,
  toStart: number,
  [first, end]: Run,
): void {
  to.set(from.subarray(fromStart / 4 + first, fromStart / 4 + end), toStart / 4 + first);
}
