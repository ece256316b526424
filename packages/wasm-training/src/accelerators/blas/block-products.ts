// Block-sparse products through a BLAS library: panels of x gathered by assembly/block-panels.ts, and one of the library's
// products a block column and chunk of rows.

import { memoryOf, type WasmBackend } from '@espalier/blocks';

import type { BlockLine, BlockPlan } from '../../products/block-lines.js';
import type { BlockProduct } from '../../products/block-product.js';
import { finish } from '../../products/epilogue.js';
import type { EpilogueArguments } from '../../wasm/exports.js';
import { kernelsOf } from '../../wasm/link.js';
import type { Operands } from '../accelerator.js';
import type { Multiplier } from './products.js';

/** y [rows, columns] = activation(x · W + bias). */
export function multiplyBlocksBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: BlockProduct,
  [x, values, y]: Operands,
  epilogue: EpilogueArguments,
): void {
  const { plan, rows, columns } = product;
  const { exports } = kernelsOf(backend);
  const { tables, packed, panel, atOnce } = roomFor(backend, product);
  if (plan.hasEmptyColumns) exports.clear(y, 4 * rows * columns);
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    const to = y + 4 * first * columns;
    for (const line of plan.lines) {
      const weights = packed + 4 * line.packedAt;
      if (first === 0) pack(backend, plan, line, tables, values, weights);
      if (!line.samePanel) gather(backend, product, line, x, tables, first, count, panel);
      const sizes = [count, line.width, line.depth] as const;
      const result = [to + 4 * line.first, columns] as const;
      blas.multiplyParts(false, false, sizes, [panel, line.depth], [weights, line.width], result, false);
    }
    finish(backend, to, count, columns, epilogue);
  }
}

/** xᵀ · dy at the kept blocks. */
export function blockGradientBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: BlockProduct,
  [x, dy, out]: Operands,
): void {
  const { plan, rows, columns } = product;
  const { exports } = kernelsOf(backend);
  const { tables, packed, panel, atOnce } = roomFor(backend, product);
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    const from = dy + 4 * first * columns;
    for (const line of plan.lines) {
      const { width, depth, blocks } = line;
      if (!line.samePanel) gather(backend, product, line, x, tables, first, count, panel);
      const sums = packed + 4 * line.packedAt;
      const factor = [from + 4 * line.first, columns] as const;
      blas.multiplyParts(
        true,
        false,
        [depth, width, count],
        [panel, depth],
        factor,
        [sums, width],
        first > 0,
      );
      if (first + count === rows) exports.scatterParts(sums, out, tables + blocks.at, blocks.count);
    }
  }
}

/** A panel of so many floats stays in the second-level cache, with the weights. */
const PANEL_FLOATS = 2 ** 16;
/** OpenBLAS multiplies without packing up to so many multiply-adds, on processors with AVX-512. */
const UNPACKED = 1e6;
/** Fewer rows than these are not worth their calls. */
const LEAST_ROWS = 64;

function rowsAtOnce({ depth, width }: BlockPlan): number {
  const fitting = Math.min(PANEL_FLOATS / depth, UNPACKED / (depth * width));
  return Math.max(LEAST_ROWS, 16 * Math.floor(fitting / 16));
}

const LINE = 64;

/** Memory for one call: the tables of parts, copied, the weights (or sums) of all lines, and a panel. */
function roomFor(backend: WasmBackend, { plan, rows }: BlockProduct) {
  const atOnce = Math.min(rows, rowsAtOnce(plan));
  const bytes = [plan.integers.byteLength, 4 * plan.size, 4 * atOnce * plan.depth].map(
    (own) => Math.ceil(own / LINE) * LINE,
  ) as [number, number, number];
  const base = kernelsOf(backend).workspace(LINE + bytes[0] + bytes[1] + bytes[2]);
  const tables = Math.ceil(base / LINE) * LINE;
  // A view of the memory as it is now: making room may have grown it.
  new Int32Array(memoryOf(backend).buffer, tables, plan.integers.length).set(plan.integers);
  return { tables, packed: tables + bytes[0], panel: tables + bytes[0] + bytes[1], atOnce };
}

function pack(
  backend: WasmBackend,
  { transposed }: BlockPlan,
  { blocks, width }: BlockLine,
  tables: number,
  values: number,
  to: number,
): void {
  const { exports } = kernelsOf(backend);
  if (transposed) exports.packTransposedBlocks(values, tables + blocks.at, blocks.count, width, to);
  else exports.gatherColumns(values, 0, 1, tables + blocks.at, blocks.count, to);
}

function gather(
  backend: WasmBackend,
  { source }: BlockProduct,
  { inputs, depth }: BlockLine,
  x: number,
  tables: number,
  first: number,
  count: number,
  panel: number,
): void {
  const { exports } = kernelsOf(backend);
  const parts = [tables + inputs.at, inputs.count] as const;
  if ('stride' in source) {
    exports.gatherColumns(x + 4 * first * source.stride, source.stride, count, ...parts, panel);
  } else {
    exports.gatherPatchColumns(x, ...source.geometry, first, count, ...parts, depth, panel);
  }
}
