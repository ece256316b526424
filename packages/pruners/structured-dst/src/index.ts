/**
 * Structured DST, SRigL: RigL with the same number of blocks for every output (constant fan-in), where outputs
 * with too few salient blocks are ablated, and their blocks go to the others. The budget is shared over the layers by
 * Erdős–Rényi kernel (arXiv 1911.11134 §3), as in both papers, unless the target names another allocation.
 * Lasby, Golubeva, Evci, Nica, Ioannou 2024, arXiv 2305.02299 §3; an output is a column of blocks here.
 */
import {
  assertSeed,
  between,
  deriveSeed,
  dropAndGrow,
  erdosRenyiKernel,
  frobenius,
  gradientNorm,
  identity,
  randomNumbers,
  topK,
  tunable,
  type BlockMask,
  type Choice,
  type Pruner,
} from '@espalier/core';

import {
  constantFanIn,
  exchangeInColumns,
  fillable,
  inEachColumn,
  leastSalience,
  salienceOf,
} from './exchange.js';

export { constantFanIn };

export interface StructuredDstSettings {
  /** ΔT, the steps between two exchanges; fewer than the steps that `until` leaves to them. */
  everySteps?: number;
  /** T_end, the share of training until which blocks are exchanged, above 0 and under 1. */
  until?: number;
  /** α, the share of a layer's blocks to drop at first, above 0 and at most 1. */
  alpha?: number;
  /**
   * γ, from 0 to 1: a column of blocks with fewer salient ones than γ times the fan-in that all columns had at first is
   * ablated. At 0 none is, as long as there is a block for each.
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
  return (choice: Choice, drop: number): BlockMask => {
    const { grid, keep } = choice;
    const [rows, columns] = grid.gridShape;
    const fanInAtFirst = Math.floor(keep / columns);
    const fanInsBy = (salience: readonly number[]): number[] => {
      const least = leastSalience(minimumSalience, fanInAtFirst, salience, choice);
      const salientEnough = salience.filter((count) => count >= least).length;
      // No more columns than blocks, and no fewer than hold them all.
      const active = Math.max(Math.min(keep, salientEnough), Math.ceil(keep / rows));
      return constantFanIn(salience, active, keep);
    };
    const salience = salienceOf(choice, drop);
    const fanIns = minimumSalience === 0 ? fanInsBy(salience) : fillable(salience, choice, fanInsBy);
    return exchangeInColumns(choice, drop, fanIns);
  };
}

export default tunable(structuredDst, {
  everySteps: between(20, 200, { logarithmic: true, whole: true }),
  until: between(0.5, 0.9),
  alpha: between(0.1, 0.5),
  minimumSalience: between(0, 0.6),
});
