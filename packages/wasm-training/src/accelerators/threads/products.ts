// Matrix products on several threads.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import type { Product } from '../../wasm/exports.js';
import { kernelsOf } from '../../wasm/link.js';
import { divideProduct, operandsOfOthers, pays, resultsOfOthers, type Run } from './division.js';
import type { Team } from './team.js';

/** C = op(A) · op(B), or C += op(A) · op(B); false where one thread is expected to be faster, or memory is short. */
export function multiplyOn(
  team: Team,
  backend: WasmBackend,
  [transposeA, transposeB, m, n, k, a, b, c, accumulate]: Product,
): boolean {
  const shape = { transposeA, transposeB, m, n, k };
  const division = divideProduct(shape, team.size);
  const { byRows, bounds } = division;
  const operands = operandsOfOthers(shape, division);
  const lineLength = byRows ? n : m;
  const copied = lengthOf(operands.a) + lengthOf(operands.b) + (bounds.at(-1)! - bounds[1]!) * lineLength;
  if (!pays(bounds, lineLength * k, copied)) return false;
  const offsets = team.reserve(m * k, k * n, m * n);
  if (!offsets) return false;
  const [sharedA, sharedB, sharedC] = offsets as [number, number, number];
  const strideA = transposeA ? m : k;
  const strideB = transposeB ? k : n;

  /** The arguments of `multiplyMatrices` for part i, of matrices that begin at these bytes. */
  const part = (i: number, aStart: number, bStart: number, cStart: number, scratch: number) => {
    const from = bounds[i]!;
    const length = bounds[i + 1]! - from;
    const [rows, columns] = byRows ? [length, n] : [m, length];
    const aFrom = byRows ? from * (transposeA ? 1 : strideA) : 0;
    const bFrom = byRows ? 0 : from * (transposeB ? strideB : 1);
    const cFrom = from * (byRows ? n : 1);
    return [
      ...([transposeA, transposeB, rows, columns, k] as const),
      ...([aStart + 4 * aFrom, strideA, bStart + 4 * bFrom, strideB] as const),
      ...([cStart + 4 * cFrom, n, accumulate, scratch] as const),
    ] as const;
  };

  const results = resultsOfOthers(shape, division);
  const memory = memoryOf(backend);
  team.copyIn(memory, a, sharedA, [operands.a]);
  team.copyIn(memory, b, sharedB, [operands.b]);
  if (accumulate) team.copyIn(memory, c, sharedC, results);
  const { exports, scratch } = kernelsOf(backend);
  team.run(
    'multiplyMatrices',
    (i) => part(i, sharedA, sharedB, sharedC, team.scratchOf(i)),
    () => exports.multiplyMatrices(...part(0, a, b, c, scratch)),
  );
  team.copyOut(memory, sharedC, c, results);
  return true;
}

function lengthOf([first, end]: Run): number {
  return end - first;
}
