// The integers of a pattern as the wasm kernels want them: one array, copied into the backend's memory for each call. A
// kernel trusts them: they are the pattern's own, copied once, and checked as they are copied.

import { blockSize } from '../../grid.js';
import { columnStarts } from '../../pattern-tables.js';
import type { BlockPattern } from '../../pattern.js';
import type { WasmBackend } from './heap.js';
import { callMemory, type Cut } from './module.js';

/** A pattern seen from one side, row of blocks by row of blocks or column by column. */
export interface BlockList {
  /** `pointers`, `indices`, `starts` and the other side's pointers, one after the other. */
  readonly integers: Int32Array;
  /** Bytes from the beginning of `integers` to each. */
  readonly pointers: number;
  readonly indices: number;
  readonly starts: number;
  readonly otherPointers: number;
}

const byRows = new WeakMap<BlockPattern, BlockList>();
const byColumns = new WeakMap<BlockPattern, BlockList>();

/** Rows of blocks, in the order of storage. */
export function rowList(pattern: BlockPattern): BlockList {
  return remembered(byRows, pattern, () =>
    blockList(
      pattern,
      0,
      pattern.pointers,
      pattern.indices,
      pattern.offsets.subarray(0, pattern.blocks),
      pattern.columns().pointers,
    ),
  );
}

/** Columns of blocks. */
export function columnList(pattern: BlockPattern): BlockList {
  return remembered(byColumns, pattern, () => {
    const { pointers, indices } = pattern.columns();
    return blockList(pattern, 1, pointers, indices, columnStarts(pattern), pattern.pointers);
  });
}

function remembered(
  lists: WeakMap<BlockPattern, BlockList>,
  pattern: BlockPattern,
  make: () => BlockList,
): BlockList {
  const known = lists.get(pattern);
  if (known) return known;
  const list = make();
  lists.set(pattern, list);
  return list;
}

function blockList(
  pattern: BlockPattern,
  axis: 0 | 1,
  pointers: Int32Array,
  indices: Int32Array,
  starts: Int32Array,
  otherPointers: Int32Array,
): BlockList {
  const parts = [pointers, indices, starts, otherPointers];
  const integers = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  const offsets = parts.map((part) => {
    integers.set(part, at);
    at += part.length;
    return 4 * (at - part.length);
  });
  const [first, second, third, fourth] = offsets as [number, number, number, number];
  const list = { integers, pointers: first, indices: second, starts: third, otherPointers: fourth };
  assertInside(list, pattern, axis);
  return list;
}

/**
 * That no block lies outside the matrix and the values, whoever may have written into the pattern's arrays.
 *
 * @param axis 0 for a list of rows of blocks, 1 for one of columns
 * @throws RangeError
 */
function assertInside(list: BlockList, { grid, blocks, size }: BlockPattern, axis: 0 | 1): void {
  const { integers } = list;
  const [lines, others] = axis === 0 ? grid.gridShape : [grid.gridShape[1], grid.gridShape[0]];
  const pointer = (line: number) => integers[list.pointers / 4 + line]!;
  const otherPointer = (line: number) => integers[list.otherPointers / 4 + line]!;
  const whole = lines + 1 + 2 * blocks + others + 1 === integers.length;
  let inside = whole && pointer(0) === 0 && pointer(lines) === blocks && otherPointer(0) === 0;
  for (let other = 0; inside && other < others; other++)
    inside = otherPointer(other) <= otherPointer(other + 1);
  for (let line = 0; inside && line < lines; line++) {
    inside = pointer(line) <= pointer(line + 1) && pointer(line + 1) <= blocks;
    for (let at = pointer(line); inside && at < pointer(line + 1); at++) {
      const other = integers[list.indices / 4 + at]!;
      const start = integers[list.starts / 4 + at]!;
      const [row, column] = axis === 0 ? [line, other] : [other, line];
      inside =
        other >= 0 &&
        other < others &&
        start >= 0 &&
        start + blockSize(grid, row * grid.gridShape[1] + column) <= size;
    }
  }
  if (inside) return;
  throw new RangeError(
    'A block pattern was written into: a block lies outside its matrix. Patterns are immutable',
  );
}

/** The cut of a matrix, and the pointers and indices of its kept blocks. */
export type KeptBlocks = [...cut: Cut, pointers: number, indices: number];

/** What a kernel is told of a pattern; its integers are copied into the backend's memory, for one call. */
export function keptBlocksIn(backend: WasmBackend, pattern: BlockPattern): KeptBlocks {
  const list = rowList(pattern);
  const { integers } = callMemory(backend, 0, list.integers);
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  return [n, m, blockRows, blockColumns, integers + list.pointers, integers + list.indices];
}
