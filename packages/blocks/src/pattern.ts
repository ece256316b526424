/**
 * Where the kept blocks of a kernel lie: the pointers and indices of block-compressed storage (BSR).
 *
 * The kernel is a matrix `[n, m]` cut by a `BlockGrid`; of its blocks only the kept ones are stored. Their values
 * are one flat array: block after block, row of blocks by row of blocks, each block row by row and at its own size,
 * so that ragged blocks at the right and bottom edges hold no padding.
 */
import { describeValue } from './describe-value.js';
import { assertGrid, blockGrid, blockSize, type BlockGrid, type Shape2D } from './grid.js';
import { assertMask, keptBlocks, type BlockMask } from './mask.js';

/** What ops on the kept blocks receive beside their input tensors. */
export interface PatternAttribute {
  readonly pattern: BlockPattern;
}

/** What does the wanting, in what is said of a tensor that does not fit a pattern. */
export const BLOCK_SPARSE_KERNEL = 'the block-sparse kernel';

/** The fields that a pattern is stored and restored by. */
export interface PatternFields {
  /** The kernel as a matrix, `[n, m]`. */
  readonly matrixShape: Shape2D;
  /** A whole block, `[Br, Bc]`. */
  readonly blockShape: Shape2D;
  /** `R + 1` numbers: the blocks of block row `p` are those from `pointers[p]` up to `pointers[p + 1]`. */
  readonly pointers: ArrayLike<number>;
  /** The block column of each kept block, increasing within a block row. */
  readonly indices: ArrayLike<number>;
}

/** The kept blocks seen column of blocks by column of blocks (BSC), as products with the matrix on the right want them. */
export interface ColumnView {
  /** `C + 1` numbers: the blocks of block column `q` are those from `pointers[q]` up to `pointers[q + 1]`. */
  readonly pointers: Int32Array;
  /** The block row of each, increasing within a block column. */
  readonly indices: Int32Array;
  /** The place of each in the order of storage, so that its values begin at `offsets[order[i]]`. */
  readonly order: Int32Array;
}

/** Immutable. `patternOf` makes one of a mask. */
export class BlockPattern implements PatternFields {
  readonly grid: BlockGrid;
  /** How many blocks are kept. */
  readonly blocks: number;
  /** How many weights are kept: the length of the values. */
  readonly size: number;
  readonly pointers: Int32Array;
  readonly indices: Int32Array;
  /** Where the values of each kept block begin, and at the end how many there are: `blocks + 1` numbers. */
  readonly offsets: Int32Array;
  #columns: ColumnView | undefined;

  /** @throws RangeError when the fields contradict one another: nothing that is constructed reads out of bounds. */
  constructor({ matrixShape, blockShape, pointers, indices }: PatternFields) {
    this.grid = blockGrid(matrixShape, blockShape);
    const [rows, columns] = this.grid.gridShape;
    assertList(pointers, 'pointers');
    assertList(indices, 'indices');
    assertPointers(pointers, rows, indices.length);
    assertIndices(pointers, indices, columns);
    this.pointers = Int32Array.from(pointers);
    this.indices = Int32Array.from(indices);
    this.blocks = indices.length;
    this.offsets = new Int32Array(this.blocks + 1);
    for (let row = 0; row < rows; row++) {
      for (let at = this.pointers[row]!; at < this.pointers[row + 1]!; at++) {
        const size = blockSize(this.grid, row * columns + this.indices[at]!);
        this.offsets[at + 1] = this.offsets[at]! + size;
      }
    }
    this.size = this.offsets[this.blocks]!;
  }

  get matrixShape(): Shape2D {
    return this.grid.matrixShape;
  }

  get blockShape(): Shape2D {
    return this.grid.blockShape;
  }

  /** One byte a block, row by row: 1 kept, 0 pruned. */
  mask(): BlockMask {
    const mask = new Uint8Array(this.grid.blocks);
    const [rows, columns] = this.grid.gridShape;
    for (let row = 0; row < rows; row++) {
      for (let at = this.pointers[row]!; at < this.pointers[row + 1]!; at++) {
        mask[row * columns + this.indices[at]!] = 1;
      }
    }
    return mask;
  }

  /** The same blocks, column of blocks by column of blocks; computed at the first call. */
  columns(): ColumnView {
    this.#columns ??= columnView(this);
    return this.#columns;
  }
}

/**
 * The pattern of the blocks that a mask keeps.
 *
 * @throws TypeError for arguments of other types; RangeError when the mask is not of the grid, or not of 0 and 1
 */
export function patternOf(grid: BlockGrid, mask: BlockMask): BlockPattern {
  assertGrid(grid);
  assertMask(mask, 'mask');
  const other = mask.findIndex((bit) => bit > 1);
  if (other >= 0)
    throw new RangeError(`The mask has ${mask[other]} at block ${other}: it is 1 for kept, 0 for pruned`);
  if (mask.length !== grid.blocks) {
    throw new RangeError(`The mask is of ${mask.length} blocks, the grid of ${grid.blocks}`);
  }
  const [rows, columns] = grid.gridShape;
  const pointers = new Int32Array(rows + 1);
  const indices = new Int32Array(keptBlocks(mask));
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (mask[row * columns + column]) indices[at++] = column;
    }
    pointers[row + 1] = at;
  }
  return new BlockPattern({ ...grid, pointers, indices });
}

/** @throws RangeError where somebody has written into the pattern's arrays */
function columnView({ grid, pointers, indices }: BlockPattern): ColumnView {
  const [rows, columns] = grid.gridShape;
  assertPointers(pointers, rows, indices.length);
  assertIndices(pointers, indices, columns);
  const columnPointers = new Int32Array(columns + 1);
  for (const column of indices) columnPointers[column + 1]! += 1;
  for (let column = 0; column < columns; column++) columnPointers[column + 1]! += columnPointers[column]!;
  const next = columnPointers.slice(0, columns);
  const rowIndices = new Int32Array(indices.length);
  const order = new Int32Array(indices.length);
  for (let row = 0; row < rows; row++) {
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++) {
      const to = next[indices[at]!]!++;
      rowIndices[to] = row;
      order[to] = at;
    }
  }
  return { pointers: columnPointers, indices: rowIndices, order };
}

function assertList(list: ArrayLike<number>, field: string): void {
  if (Array.isArray(list) || ArrayBuffer.isView(list)) return;
  throw new TypeError(`The ${field} of a pattern are ${describeValue(list)}, not an array of whole numbers`);
}

function assertPointers(pointers: ArrayLike<number>, rows: number, blocks: number): void {
  if (pointers.length !== rows + 1) {
    throw new RangeError(
      `A block-sparse kernel of ${rows} block rows has ${rows + 1} pointers, not ${pointers.length}`,
    );
  }
  if (pointers[0] !== 0 || pointers[rows] !== blocks) {
    throw new RangeError(
      `The pointers of ${blocks} blocks go from 0 to ${blocks}, not from ${pointers[0]} to ${pointers[rows]}`,
    );
  }
  for (let row = 0; row < rows; row++) {
    const [from, to] = [pointers[row]!, pointers[row + 1]!];
    if (Number.isInteger(to) && to >= from) continue;
    throw new RangeError(
      `Pointers are whole numbers that never decrease: that of block row ${row + 1} is ${to}, after ${from}`,
    );
  }
}

function assertIndices(pointers: ArrayLike<number>, indices: ArrayLike<number>, columns: number): void {
  for (let row = 0; row + 1 < pointers.length; row++) {
    let before = -1;
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++) {
      const column = indices[at]!;
      if (!Number.isInteger(column) || column < 0 || column >= columns) {
        throw new RangeError(
          `Block ${at} lies in block column ${column}: the kernel has those from 0 to ${columns - 1}`,
        );
      }
      if (column <= before) {
        throw new RangeError(
          `The block columns of a block row increase: block row ${row} has ${column} after ${before}`,
        );
      }
      before = column;
    }
  }
}
