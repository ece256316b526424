/** The kept blocks of a pattern one by one, as loops over them want them. */
import { assertPattern } from './assert-tensor.js';
import type { BlockPattern } from './pattern.js';

export interface KeptBlock {
  /** Its place in the order of storage. */
  readonly at: number;
  /** Block row and block column. */
  readonly row: number;
  readonly column: number;
  /** The row and column of the kernel at which the block begins. */
  readonly top: number;
  readonly left: number;
  /** Its size, less than `blockShape` at the ragged edges. */
  readonly height: number;
  readonly width: number;
  /** Where its values begin. */
  readonly offset: number;
}

/**
 * In the order of storage.
 *
 * @throws TypeError for what is no pattern
 */
export function blocksOfPattern(pattern: BlockPattern): Generator<KeptBlock> {
  assertPattern(pattern);
  return keptBlocksOf(pattern);
}

function* keptBlocksOf({ grid, pointers, indices, offsets }: BlockPattern): Generator<KeptBlock> {
  const [n, m] = grid.matrixShape;
  const [blockRows, blockColumns] = grid.blockShape;
  for (let row = 0; row < grid.gridShape[0]; row++) {
    const top = row * blockRows;
    const height = Math.min(blockRows, n - top);
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++) {
      const column = indices[at]!;
      const left = column * blockColumns;
      const width = Math.min(blockColumns, m - left);
      yield { at, row, column, top, left, height, width, offset: offsets[at]! };
    }
  }
}

/** Visits every kept weight, in the order of storage: its place among the values, in the matrix, and its block's place in the grid. */
export function eachWeight(
  pattern: BlockPattern,
  visit: (value: number, inMatrix: number, block: number) => void,
): void {
  const [, m] = pattern.matrixShape;
  for (const { row, column, top, left, height, width, offset } of blocksOfPattern(pattern)) {
    const block = row * pattern.grid.gridShape[1] + column;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) visit(offset + i * width + j, (top + i) * m + left + j, block);
    }
  }
}
