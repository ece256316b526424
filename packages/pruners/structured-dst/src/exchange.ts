/**
 * The exchange of structured DST, step by step, as the authors' program makes it (Lasby et al. 2024, arXiv 2305.02299
 * §3.1). An output is a column of blocks.
 */
import { growMask, topK, type BlockGrid, type BlockMask, type Choice } from '@espalier/core';

/** Under this a norm is that of zeros, 1e-15 in core. */
const ZERO_NORM = 1e-14;

/**
 * How many salient blocks each column has: among the `keep − drop` chosen ones of largest norm, or among the `drop` of
 * largest gradient in the layer, chosen or not.
 */
export function salienceOf({ grid, scores, growthScores, chosen, keep }: Choice, drop: number): number[] {
  const survivors = topK(scores, keep - drop, chosen);
  const largest = topK(growthScores, drop, aboveZero(growthScores));
  const salient = survivors.map((bit, block) => bit | (largest[block] as number));
  return columnCounts(salient, grid);
}

/**
 * The fewest salient blocks that spare a column from ablation: `max(1, ⌊γ · fan-in⌋)`, or as many as leave columns enough
 * to hold all the blocks; none for γ = 0.
 *
 * @param gamma γ, from 0 to 1
 * @param fanIn of every column before any was ablated
 */
export function leastSalience(
  gamma: number,
  fanIn: number,
  salience: readonly number[],
  { grid: { gridShape }, keep }: Choice,
): number {
  if (gamma === 0) return 0;
  const [rows, columns] = gridShape;
  const mostFirst = salience.toSorted((a, b) => b - a);
  const lastNeeded = mostFirst[Math.min(Math.floor(keep / rows), columns - 1)] as number;
  return Math.max(0, Math.min(Math.max(1, Math.floor(gamma * fanIn)), lastNeeded));
}

/**
 * How many blocks each column has when the `active` most salient ones share `keep`: all as many, or, where that
 * does not divide, the most salient of them one more. Of equals the earlier column counts as the more salient.
 */
export function constantFanIn(salience: ArrayLike<number>, active: number, keep: number): number[] {
  const isActive = topK(salience, active);
  const hasOneMore = topK(salience, keep % active, isActive);
  return Array.from(
    isActive,
    (bit, column) => bit * Math.floor(keep / active) + (hasOneMore[column] as number),
  );
}

/** The salience of a column that cannot be left: below that of one without salient blocks. */
const NEVER_LEFT = -1;

/**
 * The fan-ins by salience, where every column can fill its own. Not as in the authors' program: one that has too few
 * blocks for it, and too few others that the loss has a gradient by, such as one of dead units, is ablated, as what it
 * grew would stay zero.
 */
export function fillable(
  salience: readonly number[],
  { grid, scores, growthScores }: Choice,
  fanInsBy: (salience: readonly number[]) => number[],
): number[] {
  const [hasGradient, hasNorm] = [aboveZero(growthScores), aboveZero(scores)];
  const available = hasGradient.map((bit, block) => bit | (hasNorm[block] as number));
  const most = columnCounts(available, grid);
  for (let counts = salience; ;) {
    const fanIns = fanInsBy(counts);
    const next = counts.map((count, column) =>
      (fanIns[column] as number) > (most[column] as number) ? NEVER_LEFT : count,
    );
    if (next.every((count, column) => count === counts[column])) return fanIns;
    counts = next;
  }
}

/**
 * Each column comes to its fan-in: of the `keep − drop` chosen blocks of largest norm in the columns that are left it
 * keeps its own, the largest where they are too many, and grows by gradient.
 *
 * @param fanIn the blocks of each column, 0 where it is ablated
 */
export function exchangeInColumns(
  { grid, scores, growthScores, chosen, keep }: Choice,
  drop: number,
  fanIn: readonly number[],
): BlockMask {
  const [, columns] = grid.gridShape;
  const survivors = topK(
    scores,
    keep - drop,
    chosen.map((bit, block) => bit & Number(fanIn[block % columns] !== 0)),
  );
  return inEachColumn(grid, (own, column) => {
    const count = fanIn[column] as number;
    const stay = topK(own(scores), count, Uint8Array.from(own(survivors)));
    const gradients = own(growthScores);
    const canGrow = stay.map((bit, row) => Number(!bit && (gradients[row] as number) > ZERO_NORM));
    // What the loss has no gradient by would never move from zero: rather what was dropped just now.
    return growMask(growMask(stay, gradients, count, canGrow), own(scores), count);
  });
}

/** A mask made column by column, by a choice that sees the column's own of what it is given by block. */
export function inEachColumn(
  { gridShape: [rows, columns], blocks }: BlockGrid,
  choose: (own: (values: ArrayLike<number>) => Float32Array | Float64Array, column: number) => BlockMask,
): BlockMask {
  const mask = new Uint8Array(blocks);
  for (let column = 0; column < columns; column++) {
    const own = (values: ArrayLike<number>) => {
      const numbers = new (values instanceof Float32Array ? Float32Array : Float64Array)(rows);
      for (let row = 0; row < rows; row++) numbers[row] = values[row * columns + column] as number;
      return numbers;
    };
    choose(own, column).forEach((bit, row) => (mask[row * columns + column] = bit));
  }
  return mask;
}

function aboveZero(norms: ArrayLike<number>): BlockMask {
  const above = new Uint8Array(norms.length);
  for (let block = 0; block < above.length; block++) above[block] = +((norms[block] as number) > ZERO_NORM);
  return above;
}

function columnCounts(mask: BlockMask, { gridShape: [, columns] }: BlockGrid): number[] {
  const counts = new Array<number>(columns).fill(0);
  mask.forEach((bit, block) => (counts[block % columns]! += bit));
  return counts;
}
