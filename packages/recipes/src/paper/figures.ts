/** The figures of the paper's Tables 1 to 4 and of the authors' answers in its public review (arXiv 2402.17902). */
import type { PaperFigure } from '../recipe.js';

type Shape = readonly [number, number];

/** A row of values, one for each sparsity, of blocks of one shape. */
export function bySparsity(
  entrant: string,
  blockShape: Shape,
  sparsities: readonly number[],
  values: readonly (number | null)[],
): PaperFigure[] {
  return sparsities.map((sparsity, i) => ({ entrant, sparsity, blockShape, value: values[i] ?? null }));
}

/** A row of values, one for each block shape, at one sparsity. */
export function byBlock(
  entrant: string,
  sparsity: number,
  blockShapes: readonly Shape[],
  values: readonly (number | null)[],
): PaperFigure[] {
  return blockShapes.map((blockShape, i) => ({ entrant, sparsity, blockShape, value: values[i] ?? null }));
}
