/** The paper's figures beside those of a comparison. */
import { spread, valueIn, type MeasureDescription, type Row } from '@espalier/experiment';

import type { PaperFigure } from './recipe.js';

export interface FigureBesidePaper extends PaperFigure {
  /** Mean over seeds; null where nothing was run there, or all diverged. */
  readonly ours: number | null;
}

/** Those figures whose target was run, or all of the paper's, where none of them was. */
export function besidePaper(
  paper: readonly PaperFigure[],
  rows: readonly Row[],
  measure: MeasureDescription,
): FigureBesidePaper[] {
  return paper.map((figure) => {
    const values = rows
      .filter(
        ({ pruner, sparsity, blockShape }) =>
          pruner === figure.entrant &&
          sparsity === figure.sparsity &&
          blockShape.join() === figure.blockShape.join(),
      )
      .flatMap((row) => valueIn(row, measure) ?? []);
    return { ...figure, ours: spread(values)?.mean ?? null };
  });
}
