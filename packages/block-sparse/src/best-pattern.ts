/** By which blocks a kernel is stored, found by its zeros. */
import { type BlockPattern, patternOf } from '@espalier/blocks';
import { blockFits, blockGrid, nonZeroBlocks, type Shape2D } from '@espalier/core';

/** The blocks to look for where none are given, the largest first. */
const CANDIDATES: readonly Shape2D[] = [64, 32, 20, 16, 10, 8, 5, 4].map((size) => [size, size]);

/**
 * The pattern that takes the fewest bytes, or the reason why there is none.
 *
 * @param weights of the matrix, row by row
 * @param given the block shape, where it is known
 */
export function bestPattern(
  weights: ArrayLike<number>,
  matrix: Shape2D,
  given: Shape2D | undefined,
): BlockPattern | string {
  const shapes = (given ? [given] : CANDIDATES).filter((block) => blockFits(matrix, block));
  const patterns = shapes.map((block) => nonZeroPattern(weights, matrix, block));
  // The first of equals, as Array.sort is stable.
  const [best] = patterns.sort((a, b) => storedBytes(a) - storedBytes(b));
  if (!best) return `no block fits into its ${matrix.join('×')} matrix`;
  return best.blocks < best.grid.blocks ? best : 'has no block of zeros';
}

/** Four a weight, and one or two for the place of each block. */
function storedBytes({ size, blocks }: BlockPattern): number {
  return 4 * size + 2 * blocks;
}

/** The blocks that hold anything but zeros. */
export function nonZeroPattern(weights: ArrayLike<number>, matrix: Shape2D, block: Shape2D): BlockPattern {
  const grid = blockGrid(matrix, block);
  return patternOf(grid, nonZeroBlocks(weights, grid));
}
