/**
 * RigL, "Rigging the Lottery": sparse from the first step; every ΔT steps the share `α/2 · (1 + cos(π t / T_end))`
 * of the blocks, those of smallest norm, is dropped, and as many of largest gradient norm are grown, from zero. The
 * budget is shared over the layers by Erdős–Rényi kernel, unless the target names another allocation.
 * Evci, Gale, Menick, Castro, Elsen 2020, arXiv 1911.11134 §3; by Frobenius norms of blocks here.
 */
import {
  assertSeed,
  between,
  deriveSeed,
  dropAndGrow,
  erdosRenyiKernel,
  frobenius,
  gradientNorm,
  growMask,
  identity,
  randomNumbers,
  topK,
  tunable,
  type BlockMask,
  type Choice,
  type Pruner,
} from '@espalier/core';

export interface RiglSettings {
  /** ΔT, the steps between two exchanges; fewer than the steps that `until` leaves to them. */
  everySteps?: number;
  /** T_end, the share of training until which blocks are exchanged, above 0 and under 1. */
  until?: number;
  /** α, the share of a layer's blocks to drop at first, above 0 and at most 1. */
  alpha?: number;
  /** Another draw of the first blocks for the same seed of the run, a whole number from 0. */
  seed?: number;
}

export function rigl({ everySteps = 100, until = 0.75, alpha = 0.3, seed = 0 }: RiglSettings = {}): Pruner {
  assertSeed(seed);
  return {
    name: 'rigl',
    description: 'Sparse from the start: drop the blocks of smallest norm, grow those of largest gradient',
    source: 'Evci et al. 2020, arXiv 1911.11134',
    settings: { everySteps, until, alpha, seed },
    parameterisation: identity,
    importance: frobenius,
    growth: gradientNorm,
    search: dropAndGrow({ everySteps, until, alpha, start: drawBlocks(seed), exchange }),
    allocation: erdosRenyiKernel, // §3, "Sparsity distribution"
  };
}

/** Under this a norm is that of zeros, 1e-15 in core. */
const NO_GRADIENT = 1e-14;

/** `k` blocks by lot, each kernel's its own. */
function drawBlocks(draw: number) {
  return ({ seed, grid, keep }: Choice): BlockMask =>
    topK(randomNumbers(grid.blocks, deriveSeed(seed, draw)), keep);
}

/**
 * A block that was dropped just now may grow again at once, and keeps its weights then, as in the authors' code.
 * So does one for which there is no other that the loss has a gradient by: from zero it would never move.
 */
function exchange({ scores, growthScores, chosen, keep }: Choice, drop: number): BlockMask {
  const survivors = topK(scores, keep - drop, chosen);
  const canGrow = survivors.map((bit, block) =>
    Number(!bit && (growthScores[block] as number) > NO_GRADIENT),
  );
  return growMask(growMask(survivors, growthScores, keep, canGrow), scores, keep);
}

export default tunable(rigl, {
  everySteps: between(20, 200, { logarithmic: true, whole: true }),
  until: between(0.5, 0.9),
  alpha: between(0.1, 0.5),
});
