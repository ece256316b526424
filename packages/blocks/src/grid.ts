/**
 * The block grid: how a kernel, seen as a matrix, is cut into blocks.
 *
 * Everything that counts or indexes blocks goes through a `BlockGrid`; nothing else in Espalier knows that
 * the blocks at the right and bottom edges are smaller when the sizes do not divide.
 */

import { describeValue } from './describe-value.js';

/** Rows × columns of a matrix, of a block, or of a grid of blocks. */
export type Shape2D = readonly [rows: number, columns: number];

export interface BlockGrid {
  /** The kernel as a matrix, `n × m`. */
  readonly matrixShape: Shape2D;
  /** A whole block, `Br × Bc`. */
  readonly blockShape: Shape2D;
  /** Blocks down and across, `R × C` with `R = ceil(n / Br)` and `C = ceil(m / Bc)`. */
  readonly gridShape: Shape2D;
  /** `G = R · C`. */
  readonly blocks: number;
}

/**
 * A kernel's shape as the matrix `n × m` that is cut into blocks: every axis but the last, times the last.
 *
 * A dense kernel `[in, out]` and an embedding `[vocabulary, dimension]` are matrices already; a convolution
 * kernel `[h, w, in, out]` becomes `(h·w·in) × out` (arXiv 2402.17902 §4.2), a recurrent kernel
 * `[in, gates·units]` stays as it is. A transposed convolution's kernel is `[h, w, out, in]`, and becomes
 * `(h·w·out) × in`. A depthwise kernel `[h, w, in, multiplier]` has no sum over its
 * channels: it becomes `(h·w) × (in·multiplier)`, one column a filter.
 *
 * @throws RangeError for a shape without at least two axes, or with an empty axis.
 */
export function matrixShape(kernelShape: readonly number[], kind: 'depthwise' | 'other' = 'other'): Shape2D {
  if (!isArrayLike(kernelShape)) {
    throw new TypeError(
      `kernelShape is ${describeValue(kernelShape)}, not an array of lengths such as [3, 3, 16, 32]`,
    );
  }
  if (kernelShape.length < 2 || !kernelShape.every(isLength)) {
    throw new RangeError(
      `A kernel of shape [${kernelShape.join(', ')}] has no blocks: it needs two axes or more, none of them empty`,
    );
  }
  if (kind !== 'depthwise' && kind !== 'other') {
    throw new RangeError(`The kind of a kernel is 'depthwise' or 'other', not ${describeValue(kind)}`);
  }
  const columnAxes = kind === 'depthwise' ? 2 : 1;
  const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
  return [product(kernelShape.slice(0, -columnAxes)), product(kernelShape.slice(-columnAxes))];
}

/**
 * The most weights of a kernel: as many float32 as 4 GiB hold. Every index, offset and product of sizes is then a whole
 * number of 32 bits, as kernels count in.
 */
export const MOST_WEIGHTS = 2 ** 30;

/** @throws RangeError when the block shape is not two whole numbers of at least 1, TypeError when it is no array. */
export function assertBlockShape(blockShape: readonly number[]): asserts blockShape is Shape2D {
  if (!isArrayLike(blockShape)) {
    throw new TypeError(`blockShape is ${describeValue(blockShape)}, not rows and columns such as [16, 16]`);
  }
  if (blockShape.length !== 2 || !Array.from(blockShape).every(isLength)) {
    throw new RangeError(
      `Block shape [${Array.from(blockShape).join(', ')}] is not two whole numbers of at least 1, such as [16, 16]`,
    );
  }
}

/** @throws RangeError when a matrix is not two whole numbers of at least 1, or has more weights than can be counted */
function assertMatrix(matrix: readonly number[]): asserts matrix is Shape2D {
  if (!isArrayLike(matrix)) {
    throw new TypeError(`matrixShape is ${describeValue(matrix)}, not rows and columns such as [784, 512]`);
  }
  if (matrix.length !== 2 || !Array.from(matrix).every(isLength)) {
    throw new RangeError(
      `Matrix shape [${Array.from(matrix).join(', ')}] is not two whole numbers of at least 1, such as [784, 512]`,
    );
  }
  if (matrix[0]! * matrix[1]! > MOST_WEIGHTS) {
    throw new RangeError(
      `A ${matrix.join('×')} matrix has more than ${MOST_WEIGHTS} weights, 4 GiB in float32: none that large is computed with`,
    );
  }
}

function isArrayLike(value: unknown): value is readonly number[] {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function isLength(size: unknown): boolean {
  return Number.isInteger(size) && (size as number) >= 1;
}

/** @throws TypeError for what is no grid */
export function assertGrid(grid: BlockGrid): void {
  if (isArrayLike((grid as BlockGrid | undefined)?.gridShape) && isArrayLike(grid.blockShape)) return;
  throw new TypeError(`grid is ${describeValue(grid)}, not a grid, as blockGrid() makes one`);
}

/** Whether a block fits into the matrix. One that does not would be a layer pruned as a whole. */
export function blockFits(matrix: Shape2D, blockShape: Shape2D): boolean {
  if (!isArrayLike(matrix) || !isArrayLike(blockShape)) {
    const [name, shape] = isArrayLike(matrix) ? ['blockShape', blockShape] : ['matrix', matrix];
    throw new TypeError(`${name} is ${describeValue(shape)}, not rows and columns such as [16, 16]`);
  }
  return blockShape[0] <= matrix[0] && blockShape[1] <= matrix[1];
}

/**
 * Cuts an `n × m` matrix into blocks of `Br × Bc`, the last row and column of blocks smaller where the sizes
 * do not divide.
 *
 * @returns what nobody can change any more
 * @throws RangeError when a shape is not two positive whole numbers, the block is larger than the matrix, or the matrix
 *   has more than 2³⁰ weights.
 */
export function blockGrid(matrix: Shape2D, blockShape: Shape2D): BlockGrid {
  assertMatrix(matrix);
  assertBlockShape(blockShape);
  if (!blockFits(matrix, blockShape)) {
    throw new RangeError(
      `A block of ${blockShape.join('×')} is larger than the ${matrix.join('×')} kernel: choose a smaller block`,
    );
  }
  const gridShape = pair(Math.ceil(matrix[0] / blockShape[0]), Math.ceil(matrix[1] / blockShape[1]));
  return Object.freeze({
    matrixShape: pair(...matrix),
    blockShape: pair(...blockShape),
    gridShape,
    blocks: gridShape[0] * gridShape[1],
  });
}

function pair(rows: number, columns: number): Shape2D {
  return Object.freeze([rows, columns] as const);
}

/**
 * The number of weights in block `index` (row by row): `Br · Bc`, less at the ragged edges.
 *
 * @throws TypeError for what is no grid, RangeError for a block that it does not have
 */
export function blockSize(grid: BlockGrid, index: number): number {
  assertGrid(grid);
  if (!Number.isInteger(index) || index < 0 || index >= grid.blocks) {
    throw new RangeError(`Block ${describeValue(index)} is none of the grid's ${grid.blocks}`);
  }
  const [blockRows, blockColumns] = grid.blockShape;
  const row = Math.floor(index / grid.gridShape[1]);
  const column = index % grid.gridShape[1];
  return (
    Math.min(blockRows, grid.matrixShape[0] - row * blockRows) *
    Math.min(blockColumns, grid.matrixShape[1] - column * blockColumns)
  );
}
