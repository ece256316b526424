/**
 * Structured DST, SRigL: RigL with the same number of blocks for every output (constant fan-in), where outputs
 * with too few salient blocks are ablated, and their blocks go to the others. The budget is shared over the layers by
 * Erdős–Rényi kernel (arXiv 1911.11134 §3), as in both papers, unless the target names another allocation.
 * Lasby, Golubeva, Evci, Nica, Ioannou 2024, arXiv 2305.02299 §3; an output is a column of blocks here.
 */
import {
  assertSeed,
  deriveSeed,
  dropAndGrow,
  erdosRenyiKernel,
  frobenius,
  gradientNorm,
  growMask,
  identity,
  randomNumbers,
  topK,
  type BlockGrid,
  type BlockMask,
  type Choice,
  type Pruner,
} from '@espalier/core';

export interface StructuredDstSettings {
  /** ΔT, the steps between two exchanges; fewer than the steps that `until` leaves to them. */
  everySteps?: number;
  /** T_end, the share of training until which blocks are exchanged, above 0 and under 1. */
  until?: number;
  /** α, the share of a layer's blocks to drop at first, above 0 and at most 1. */
  alpha?: number;
  /**
   * γ, from 0 to 1: a column of blocks with fewer salient ones than γ times the fan-in is ablated. At 0 none is,
   * as long as there is a block for each.
   */
  minimumSalience?: number;
  /** Another draw of the first blocks for the same seed of the run, a whole number from 0. */
  seed?: number;
}

export function structuredDst({
  everySteps = 100,
  until = 0.75,
  alpha = 0.3,
  minimumSalience = 0.3,
  seed = 0,
}: StructuredDstSettings = {}): Pruner {
  assertSeed(seed);
  if (!(minimumSalience >= 0 && minimumSalience <= 1)) {
    throw new RangeError(`minimumSalience = ${minimumSalience} is not from 0 to 1`);
  }
  return {
    name: 'structured-dst',
    description: 'RigL with constant fan-in: as many blocks for every output that is not ablated',
    source: 'Lasby et al. 2024, arXiv 2305.02299',
    settings: { everySteps, until, alpha, minimumSalience, seed },
    parameterisation: identity,
    importance: frobenius,
    growth: gradientNorm,
    search: dropAndGrow({
      everySteps,
      until,
      alpha,
      start: drawBlocks(seed),
      exchange: exchange(minimumSalience),
    }),
    allocation: erdosRenyiKernel,
  };
}

/** Under this a norm is that of zeros, 1e-15 in core. */
const NO_GRADIENT = 1e-14;

/** Blocks by lot in as many columns as can be, each kernel's its own. */
function drawBlocks(draw: number) {
  return ({ seed, grid, keep }: Choice): BlockMask => {
    const lot = randomNumbers(grid.blocks, deriveSeed(seed, draw, 0));
    const columns = randomNumbers(grid.gridShape[1], deriveSeed(seed, draw, 1));
    const fanIn = constantFanIn(columns, Math.min(columns.length, keep), keep);
    return inEachColumn(grid, (own, column) => topK(own(lot), fanIn[column] as number));
  };
}

/** §3.1: salience, ablation, the new fan-in; then drop by norm, and grow by gradient in every column that is left. */
function exchange(minimumSalience: number) {
  return ({ grid, scores, growthScores, chosen, keep }: Choice, drop: number): BlockMask => {
    const [rows, columns] = grid.gridShape;
    const survivors = topK(scores, keep - drop, chosen);
    const hasGradient = Uint8Array.from(growthScores, (norm) => Number(norm > NO_GRADIENT));
    const alive = columnCounts(hasGradient, columns);
    // Outputs that the loss has no gradient by, such as dead units, have nothing salient.
    const salient = columnCounts(growMask(survivors, growthScores, keep), columns).map((count, column) =>
      alive[column] ? count : 0,
    );
    const fanInBefore = keep / columnCounts(chosen, columns).filter((count) => count > 0).length;
    const salientEnough = salient.filter((count) => count >= minimumSalience * fanInBefore).length;
    const active = Math.min(keep, Math.max(salientEnough, Math.ceil(keep / rows)));
    const fanIn = constantFanIn(salient, active, keep);
    return inEachColumn(grid, (own, column) => {
      const count = fanIn[column] as number;
      const stay = topK(own(scores), count, Uint8Array.from(own(survivors)));
      const growth = own(growthScores);
      const canGrow = stay.map((bit, row) => Number(!bit && (growth[row] as number) > NO_GRADIENT));
      // What the loss has no gradient by would never move from zero: rather what was dropped just now.
      return growMask(growMask(stay, growth, count, canGrow), own(scores), count);
    });
  };
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

/** A mask made column by column, by a choice that sees the column's own of what it is given by block. */
function inEachColumn(
  { gridShape: [rows, columns], blocks }: BlockGrid,
  choose: (own: (values: ArrayLike<number>) => number[], column: number) => BlockMask,
): BlockMask {
  const mask = new Uint8Array(blocks);
  for (let column = 0; column < columns; column++) {
    const own = (values: ArrayLike<number>) =>
      Array.from({ length: rows }, (_, row) => values[row * columns + column] as number);
    choose(own, column).forEach((bit, row) => (mask[row * columns + column] = bit));
  }
  return mask;
}

function columnCounts(mask: BlockMask, columns: number): number[] {
  const counts = new Array<number>(columns).fill(0);
  for (const [block, bit] of mask.entries())
    counts[block % columns] = (counts[block % columns] as number) + bit;
  return counts;
}

export default structuredDst;
