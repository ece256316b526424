// The integers of a pattern as the wasm kernels want them: one array, copied into the backend's memory for each call.

import type { BlockPattern } from '../../pattern.js';
import { kernelsOf, type Cut } from './exports.js';
import type { WasmBackend } from './heap.js';

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
    const { pointers, indices, order } = pattern.columns();
    const starts = order.map((at) => pattern.offsets[at]!);
    return blockList(pointers, indices, starts, pattern.pointers);
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
  return { integers, pointers: first, indices: second, starts: third, otherPointers: fourth };
}

/** The cut of a matrix, and the pointers and indices of its kept blocks. */
export type KeptBlocks = [...cut: Cut, pointers: number, indices: number];

/** What a kernel is told of a pattern; its integers are copied into the backend's memory, for one call. */
export function keptBlocksIn(backend: WasmBackend, pattern: BlockPattern): KeptBlocks {
  const list = rowList(pattern);
  const { integers } = kernelsOf<unknown>(backend).forCall(0, list.integers);
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  return [n, m, blockRows, blockColumns, integers + list.pointers, integers + list.indices];
}
