/**
 * Search: when the mask changes during training, and how.
 *
 * A search is plain data, a list of phases over the whole of training. What a phase does is given by pure
 * functions of progress, so that it can be plotted, tested and composed without training anything. Each search has a
 * file of its own beside this one.
 */
import { assertArgument, oneOf, type BlockGrid, type BlockMask } from '@espalier/blocks';

import { aCurve, type Curve } from './curves.js';
import { shareOfTraining } from './share.js';
import '../one-core.js';

export interface Phase {
  /** `dense`, `sparsification`, `sparse`, or a search's own word; for reports. */
  readonly name: string;
  /** The share of training that the phase takes, above 0. */
  readonly length: number;
  /** The share of the target sparsity that the mask has at progress 0 to 1 through the phase. */
  readonly curve: Curve;
  /** Which blocks may be chosen: all of them, or only those that are chosen already. */
  readonly candidates: 'all' | 'kept';
  /**
   * When the mask is chosen: at the phase's start alone, or again every so many steps.
   * `gradually`: about a hundred times, or at every step of a phase that is shorter.
   */
  readonly selection: 'at start' | 'gradually' | EverySteps;
  /** How the blocks are chosen; those of the highest score among the candidates, when absent. */
  readonly choose?: (choice: Choice) => BlockMask;
  /**
   * What becomes of the blocks that are not chosen: they are `pruned` (when absent), or stay `active` and the
   * choice is only remembered, as in forward selection.
   */
  readonly others?: 'pruned' | 'active';
  /** Whether the optimiser forgets, momentum and moments, on entering the phase; it does, when absent. */
  readonly resetsOptimizer?: boolean;
  /**
   * Whether the phase's choices take the place of an optimiser step each, as RigL's exchanges do (Evci et al., arXiv
   * 1911.11134, Algorithm 1). Of the iteration before such a choice only the gradients count: neither weights nor slots
   * move in it. Slots of the weights that join by the choice are put back to where they start.
   */
  readonly inPlaceOfStep?: boolean;
}

export interface EverySteps {
  /** Steps from one choice to the next, at least 1. */
  readonly everySteps: number;
  /**
   * Under a search whose `gradient` is that of all blocks: for how many steps before a choice those that are pruned
   * gather steps of the optimiser, from zero, to be chosen by them; all since the last choice, when absent. Without a
   * bound they grow as long as they are pruned, as nothing in the loss answers to them.
   */
  readonly gather?: number;
}

/** What there is to choose the blocks of one kernel by. */
export interface Choice {
  /** The kernel's own of the run's seed, to draw chance from; see `PrunedKernel`. */
  readonly seed: number;
  readonly grid: BlockGrid;
  /** One score a block. */
  readonly scores: ArrayLike<number>;
  /** One score a block by the strategy's `growth`; zeros where it has none. */
  readonly growthScores: ArrayLike<number>;
  /** The choice that was in force until now. */
  readonly chosen: BlockMask;
  /** The blocks that the phase allows. */
  readonly candidates: BlockMask;
  /** How many blocks the target, at this moment of the phase, allows the kernel. */
  readonly keep: number;
  /** Through the phase, 0 to 1. */
  readonly progress: number;
}

export interface Search {
  readonly name: string;
  readonly phases: readonly Phase[];
  /**
   * What becomes of the weights of a block that leaves the mask. `masked`: they are multiplied by zero, and
   * have their old values when the block returns. `erased`: they restart from zero, but under a parameterisation that
   * could not leave it (`zeroIsStuck`), where they are masked.
   */
  readonly prunedWeights: 'masked' | 'erased';
  /** Which blocks' weights have a gradient: those in the mask (when absent), or all, as if there were no mask. */
  readonly gradient?: 'kept' | 'all';
  /** What `finalize` leaves: the `target` (when absent), or what was `learned`, whatever its sparsity. */
  readonly final?: 'target' | 'learned';
  /** Whether blocks are chosen by the strategy's `growth`, so that it must have one. */
  readonly needsGrowth?: boolean;
}

/** More than any search has: a slip of the pen is to be refused, not listed phase by phase. */
export const MOST_PHASES = 100_000;

const aLength = shareOfTraining('(0, 1]');

/** What a search says of the weights that it prunes: `Search.prunedWeights`. */
export const maskedOrErased = oneOf('masked', 'erased');

/** Every block active; weights and what else is trainable train freely. */
export function densePhase(length: number): Phase {
  assertArgument('densePhase()', 'length', length, aLength);
  return { name: 'dense', length, curve: () => 0, candidates: 'all', selection: 'at start' };
}

/** Blocks are pruned gradually, lowest score first, among those still alive. */
export function sparsificationPhase(length: number, curve: Curve): Phase {
  assertArgument('sparsificationPhase()', 'length', length, aLength);
  assertArgument('sparsificationPhase()', 'curve', curve, aCurve);
  return { name: 'sparsification', length, curve, candidates: 'kept', selection: 'gradually' };
}

/** The mask is the best `k` of what is alive, and fixed. */
export function sparsePhase(length: number): Phase {
  assertArgument('sparsePhase()', 'length', length, aLength);
  return { name: 'sparse', length, curve: () => 1, candidates: 'kept', selection: 'at start' };
}
