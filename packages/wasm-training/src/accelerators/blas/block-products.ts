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

/** y [rows, columns] = activation(x · W + bias), so many rows at once. */
export function multiplyBlocksBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: BlockProduct,
  atOnce: number,
  [x, values, y]: Operands,
  epilogue: EpilogueArguments,
): void {
  const { plan, rows, columns } = product;
  const { exports } = kernelsOf(backend);
  const { tables, packed, panel } = roomFor(backend, product, atOnce);
  if (plan.hasEmptyColumns) exports.clear(y, 4 * rows * columns);
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    const to = y + 4 * first * columns;
    for (const line of plan.lines) {
      const weights = packed(line);
      if (first === 0) pack(backend, plan, line, tables, values, weights);
      if (!line.samePanel) gather(backend, product, line, x, tables, first, count, panel);
      const sizes = [count, line.width, line.depth] as const;
      const result = [to + 4 * line.first, columns] as const;
      blas.multiplyParts(false, false, sizes, [panel, line.depth], [weights, line.width], result, false);
    }
    finish(backend, to, count, columns, epilogue);
  }
}

/** xᵀ · dy at the kept blocks, so many rows at once. */
export function blockGradientBy(
  blas: Multiplier,
  backend: WasmBackend,
  product: BlockProduct,
  atOnce: number,
  [x, dy, out]: Operands,
): void {
  const { plan, rows, columns } = product;
  const { exports } = kernelsOf(backend);
  const { tables, packed, panel } = roomFor(backend, product, atOnce);
  for (let first = 0; first < rows; first += atOnce) {
    const count = Math.min(atOnce, rows - first);
    const from = dy + 4 * first * columns;
    for (const line of plan.lines) {
      const { width, depth, blocks } = line;
      if (!line.samePanel) gather(backend, product, line, x, tables, first, count, panel);
      const sums = packed(line);
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

/** How the rows of a product are cut, and how many threads the library takes for each of the pieces. */
export interface Division {
  readonly atOnce: number;
  readonly threads: number;
}

/** A panel of so many floats stays in the second-level cache, with the weights. */
const PANEL_FLOATS = 2 ** 16;
/** OpenBLAS multiplies without packing up to so many multiply-adds, on processors with AVX-512. */
const UNPACKED = 1e6;
/** Fewer rows than these are not worth their calls. */
const LEAST_ROWS = 64;
/** Multiply-adds of one call from which on waking other threads is worth it: some 20 µs on one. */
const WORTH_THREADS = 2 ** 21;

/** One thread takes pieces as small as they are fast; several take one that gives work to all, where there are the rows. */
export function divided({ plan: { depth, width }, rows }: BlockProduct, threads: number): Division {
  const fitting = Math.min(PANEL_FLOATS / depth, UNPACKED / (depth * width));
  const atOnce = Math.max(LEAST_ROWS, 16 * Math.floor(fitting / 16));
  const forAll = threads * Math.max(atOnce, 16 * Math.ceil(WORTH_THREADS / (16 * depth * width)));
  if (threads === 1 || rows < forAll) return { atOnce: Math.min(rows, atOnce), threads: 1 };
  return { atOnce: forAll, threads };
}

const LINE = 64;

/**
 * Memory for one call: the tables of parts, copied, a panel, and the weights (or sums) of a line, which are kept for the next
 * rows, where there are more.
 */
function roomFor(backend: WasmBackend, { plan, rows }: BlockProduct, atOnce: number) {
  const { integers, size, depth, width } = plan;
  const kept = atOnce < rows;
  const bytes = [integers.byteLength, 4 * atOnce * depth, 4 * (kept ? size : depth * width)];
  const [ofTables, ofPanel, ofWeights] = bytes.map((own) => Math.ceil(own / LINE) * LINE) as Three;
  const base = kernelsOf(backend).workspace(LINE + ofTables + ofPanel + ofWeights);
  const tables = Math.ceil(base / LINE) * LINE;
  // A view of the memory as it is now: making room may have grown it.
  new Int32Array(memoryOf(backend).buffer, tables, integers.length).set(integers);
  const weights = tables + ofTables + ofPanel;
  const packed = ({ packedAt }: BlockLine) => (kept ? weights + 4 * packedAt : weights);
  return { tables, panel: tables + ofTables, packed };
}

type Three = [number, number, number];

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
