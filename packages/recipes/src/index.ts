/** The tables and the open questions of a paper, as comparisons with claims that are checked. */
import { sixOnCifar10, sixOnMnist } from './headline.js';
import figure2a from './paper/figure-2a.js';
import table1 from './paper/table-1.js';
import table2 from './paper/table-2.js';
import table3 from './paper/table-3.js';
import table4 from './paper/table-4.js';
import type { Recipe } from './recipe.js';
import densePhase from './review/dense-phase.js';
import importance from './review/importance.js';
import largerBlocks from './review/larger-blocks.js';
import longerTraining from './review/longer-training.js';
import normalisation from './review/normalisation.js';
import scoreAlone from './review/score-alone.js';
import unstructured from './review/unstructured.js';

export { judgeClaims, type ClaimResult } from './claims.js';
export { besidePaper, type FigureBesidePaper } from './beside-paper.js';
export {
  squares,
  type Claim,
  type Entrant,
  type PaperFigure,
  type Recipe,
  type RecipeScale,
  type Side,
} from './recipe.js';

/** By their names, in the order of lists. */
export const recipes: readonly Recipe[] = [
  ...[sixOnMnist, sixOnCifar10],
  ...[table1, table2, table3, table4, figure2a],
  ...[scoreAlone, normalisation, unstructured, densePhase, longerTraining, importance, largerBlocks],
];
