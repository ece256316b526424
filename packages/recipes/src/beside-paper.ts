/** The paper's figures beside those of a comparison. */
import { spread, valueIn, type MeasureDescription, type Row } from '@espalier/experiment';

import type { PaperFigure } from './recipe.js';

export interface FigureBesidePaper extends PaperFigure {
  /** Mean over seeds; null where nothing was run there, or all diverged. */
  readonly ours: number | null;
}

/** Of the figures whose target was run; where none of them was, all of the paper's. */
export function besidePaper(
  paper: readonly PaperFigure[],
  rows: readonly Row[],
  measure: MeasureDescription,
): FigureBesidePaper[] {
  const all = paper.map((figure) => {
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
  const isRun = ({ sparsity, blockShape }: PaperFigure) =>
    rows.some((row) => row.sparsity === sparsity && row.blockShape.join() === blockShape.join());
  return all.some(isRun) ? all.filter(isRun) : all;
}
