/** The integers of a pattern on the device. */
import type { TensorInfo } from '@tensorflow/tfjs';

import { columnStarts } from '../../pattern-tables.js';
import type { BlockPattern } from '../../pattern.js';
import type { WebgpuBackend } from './program.js';

/** A pattern as shaders read it: int32 arrays. */
export interface DevicePattern {
  /**
   * The blocks row of blocks by row of blocks, in the order of storage: `R + 1` pointers; then, of every block, its
   * block column; where its values begin; its block row.
   */
  readonly byRows: TensorInfo;
  /** Column of blocks by column of blocks: `C + 1` pointers; block rows; where the values begin; block columns. */
  readonly byColumns: TensorInfo;
  /** Of every block of the grid where its values begin; −1 where it is pruned. */
  readonly starts: TensorInfo;
}

/** Copies outlive neither their backend nor their pattern: what is collected frees its buffers. */
const copies = new WeakMap<WebgpuBackend, WeakMap<BlockPattern, DevicePattern>>();
const freed = new FinalizationRegistry<{ backend: WebgpuBackend; copy: DevicePattern }>(
  ({ backend, copy }) => {
    for (const { dataId } of Object.values(copy) as TensorInfo[]) backend.disposeData(dataId);
  },
);

/** Copied at the first call for a pattern; uploaded at the first use. */
export function devicePattern(backend: WebgpuBackend, pattern: BlockPattern): DevicePattern {
  let ofBackend = copies.get(backend);
  if (!ofBackend) copies.set(backend, (ofBackend = new WeakMap()));
  let copy = ofBackend.get(pattern);
  if (!copy) {
    ofBackend.set(pattern, (copy = copyOf(backend, pattern)));
    freed.register(pattern, { backend, copy });
  }
  return copy;
}

function copyOf(backend: WebgpuBackend, pattern: BlockPattern): DevicePattern {
  const { pointers, indices, offsets, grid, blocks } = pattern;
  const columns = pattern.columns();
  const places = new Int32Array(grid.blocks).fill(-1);
  const rows = linesOf(pointers, blocks);
  rows.forEach((row, at) => (places[row * grid.gridShape[1] + indices[at]!] = offsets[at]!));
  const upload = (...parts: Int32Array[]) => {
    const integers = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      integers.set(part, at);
      at += part.length;
    }
    return backend.makeTensorInfo([integers.length], 'int32', integers);
  };
  return {
    byRows: upload(pointers, indices, offsets.subarray(0, blocks), rows),
    byColumns: upload(
      columns.pointers,
      columns.indices,
      columnStarts(pattern),
      linesOf(columns.pointers, blocks),
    ),
    starts: upload(places),
  };
}

/** Of each block the row (or column) of blocks that the pointers put it in. */
function linesOf(pointers: Int32Array, blocks: number): Int32Array {
  const lines = new Int32Array(blocks);
  for (let line = 0; line + 1 < pointers.length; line++) lines.fill(line, pointers[line], pointers[line + 1]);
  return lines;
}
