/**
 * Search: when the mask changes during training, and how.
 *
 * A search is plain data, a list of phases over the whole of training. What a phase does is given by pure
 * functions of progress, so that it can be plotted, tested and composed without training anything.
 */
import type { BlockGrid, BlockMask } from '@espalier/blocks';

import { cubic, exponential, type Curve } from './curves.js';

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
  readonly selection: 'at start' | 'gradually' | { readonly everySteps: number };
  /** How the blocks are chosen; those of the highest score among the candidates, when absent. */
  readonly choose?: (choice: Choice) => BlockMask;
  /**
   * What becomes of the blocks that are not chosen: they are `pruned` (when absent), or stay `active` and the
   * choice is only remembered, as in forward selection.
   */
  readonly others?: 'pruned' | 'active';
}

/** What there is to choose the blocks of one kernel by. */
export interface Choice {
  /** The kernel's place among those that are pruned, from 0. */
  readonly index: number;
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
   * have their old values when the block returns. `erased`: they restart from zero.
   */
  readonly prunedWeights: 'masked' | 'erased';
  /** Which blocks' weights have a gradient: those in the mask (when absent), or all, as if there were no mask. */
  readonly gradient?: 'kept' | 'all';
  /** What `finalize` leaves: the `target` (when absent), or what was `learned`, whatever its sparsity. */
  readonly final?: 'target' | 'learned';
}

/** Every block active; weights and what else is trainable train freely. */
export function densePhase(length: number): Phase {
  return { name: 'dense', length, curve: () => 0, candidates: 'all', selection: 'at start' };
}

/** Blocks are pruned gradually, lowest score first, among those still alive. */
export function sparsificationPhase(length: number, curve: Curve): Phase {
  return { name: 'sparsification', length, curve, candidates: 'kept', selection: 'gradually' };
}

/** The mask is the best `k` of what is alive, and fixed. */
export function sparsePhase(length: number): Phase {
  return { name: 'sparse', length, curve: () => 1, candidates: 'kept', selection: 'at start' };
}

/**
 * Train dense, prune once, train what is left.
 *
 * @param dense share of training before the pruning, above 0 and under 1
 */
export function oneShot({ dense = 0.5 }: { dense?: number } = {}): Search {
  assertShare(dense, 'oneShot: dense');
  return { name: 'one-shot', phases: [densePhase(dense), sparsePhase(1 - dense)], prunedWeights: 'masked' };
}

/**
 * Prune gradually between two moments of training (Zhu & Gupta, arXiv 1710.01878).
 *
 * @param start share of training at which pruning starts, from 0
 * @param end share of training at which the target is reached, at most 1
 */
export function gradual({
  start = 0.1,
  end = 0.7,
  everySteps,
  curve = cubic,
}: { start?: number; end?: number; everySteps?: number; curve?: Curve } = {}): Search {
  if (!(start >= 0 && start < end && end <= 1)) {
    throw new RangeError(`gradual: start ${start} and end ${end} must satisfy 0 ≤ start < end ≤ 1`);
  }
  const gradually = sparsificationPhase(end - start, curve);
  return {
    name: 'gradual',
    phases: [
      ...(start > 0 ? [densePhase(start)] : []),
      everySteps === undefined ? gradually : { ...gradually, selection: { everySteps } },
      ...(end < 1 ? [sparsePhase(1 - end)] : []),
    ],
    prunedWeights: 'masked',
  };
}

/** The time plan that AC/DC and SequentialAttention++ share, in shares of training. */
export interface AlternatingPlan {
  /** The first dense phase. */
  readonly warmUp: number;
  /** How many cycles, equally long, follow the warm-up. */
  readonly cycles: number;
  /** By how much the last cycle is longer than the others. */
  readonly lastCycleExtension: number;
  /** The sparse phase at the end. */
  readonly fineTuning: number;
}

/** arXiv 2402.17902 §4.1, ImageNet: 10% dense, 7 cycles, the last longer by 5%, 15% sparse. */
export const imagenetPlan: AlternatingPlan = {
  warmUp: 0.1,
  cycles: 7,
  lastCycleExtension: 0.05,
  fineTuning: 0.15,
};

/** arXiv 2402.17902 §4.2, Criteo: 20% dense, 10 cycles, 20% sparse. */
export const criteoPlan: AlternatingPlan = {
  warmUp: 0.2,
  cycles: 10,
  lastCycleExtension: 0,
  fineTuning: 0.2,
};

/** @throws RangeError, with the names that there are, when the plans have none of that name. */
export function namedPlan<Name extends string>(
  name: Name,
  plans: Readonly<Record<Name, AlternatingPlan>>,
): AlternatingPlan {
  if (Object.hasOwn(plans, name)) return plans[name];
  throw new RangeError(
    `There is no plan '${name}': choose ${Object.keys(plans).join(' or ')}, or pass one of your own`,
  );
}

/**
 * AC/DC's search: a dense warm-up, then sparse and dense phases in turn, the last dense phase extended, and
 * a sparse phase at the end (Peste et al., arXiv 2106.12379 §3).
 *
 * @param denseShare the dense part of a cycle, above 0 and under 1
 */
export function alternating(
  plan: AlternatingPlan = imagenetPlan,
  {
    denseShare = 0.5,
    prunedWeights = 'erased',
  }: { denseShare?: number; prunedWeights?: Search['prunedWeights'] } = {},
): Search {
  assertShare(denseShare, 'alternating: denseShare');
  const cycle = cycleLength(plan);
  const phases = [densePhase(plan.warmUp)];
  for (let i = 1; i <= plan.cycles; i++) {
    const extension = i === plan.cycles ? plan.lastCycleExtension : 0;
    phases.push(sparsePhase(cycle * (1 - denseShare)), densePhase(cycle * denseShare + extension));
  }
  phases.push(sparsePhase(plan.fineTuning));
  return { name: 'alternating', phases, prunedWeights };
}

/** How a cycle of SequentialAttention++ splits into its three phases; only the ratios count. */
export interface CycleSplit {
  readonly sparsification: number;
  readonly sparse: number;
  readonly dense: number;
}

/**
 * SequentialAttention++'s search: AC/DC's, with each cycle replaced by sparsification, sparse and dense
 * phases, and the whole last cycle with its extension by one sparsification phase (arXiv 2402.17902 §3.2 and
 * §4.1). How a cycle splits is not stated there; here into three equal parts.
 *
 * @param curve the sparsification phase's curve
 */
export function alternatingWithSparsification(
  plan: AlternatingPlan = imagenetPlan,
  {
    curve = exponential(4),
    split = { sparsification: 1, sparse: 1, dense: 1 },
    prunedWeights = 'masked',
  }: { curve?: Curve; split?: CycleSplit; prunedWeights?: Search['prunedWeights'] } = {},
): Search {
  const { sparsification, sparse, dense } = split;
  if (![sparsification, sparse, dense].every((part) => part > 0 && Number.isFinite(part))) {
    throw new RangeError(`A cycle's parts ${JSON.stringify(split)} must all be above 0`);
  }
  const cycle = cycleLength(plan);
  const part = cycle / (sparsification + sparse + dense);
  const phases = [densePhase(plan.warmUp)];
  for (let i = 1; i < plan.cycles; i++) {
    phases.push(
      sparsificationPhase(part * sparsification, curve),
      sparsePhase(part * sparse),
      densePhase(part * dense),
    );
  }
  phases.push(sparsificationPhase(cycle + plan.lastCycleExtension, curve), sparsePhase(plan.fineTuning));
  return { name: 'alternating with sparsification', phases, prunedWeights };
}

function cycleLength({ warmUp, cycles, lastCycleExtension, fineTuning }: AlternatingPlan): number {
  if (!Number.isInteger(cycles) || cycles < 1) {
    throw new RangeError(`cycles = ${cycles} is not a whole number of at least 1`);
  }
  const inCycles = 1 - warmUp - lastCycleExtension - fineTuning;
  if (!(warmUp > 0 && fineTuning > 0 && lastCycleExtension >= 0 && inCycles > 0)) {
    throw new RangeError(
      `warmUp ${warmUp}, lastCycleExtension ${lastCycleExtension} and fineTuning ${fineTuning} must not be ` +
        'negative, the first and last above 0, and leave a share of training to the cycles',
    );
  }
  return inCycles / cycles;
}

/** A phase laid on the steps of a run: from step `start` up to, not including, step `end`. */
export interface PlacedPhase {
  readonly phase: Phase;
  readonly start: number;
  readonly end: number;
}

/**
 * Lays the phases on `totalSteps` steps, each boundary at the nearest whole step.
 *
 * @throws RangeError when a phase has no length or no interval, the lengths do not sum to 1, or a phase gets no
 *   step of its own.
 */
export function placePhases(phases: readonly Phase[], totalSteps: number): PlacedPhase[] {
  if (!Number.isInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`totalSteps = ${totalSteps} is not a whole number of at least 1`);
  }
  phases.forEach(assertPhase);
  const sum = phases.reduce((total, { length }) => total + length, 0);
  if (!(Math.abs(sum - 1) < 1e-6)) throw new RangeError(`The phases' lengths sum to ${sum}, not to 1`);
  let elapsed = 0;
  return phases.map((phase, index) => {
    const start = Math.round(elapsed * totalSteps);
    elapsed += phase.length;
    const end = index === phases.length - 1 ? totalSteps : Math.round(elapsed * totalSteps);
    if (end <= start) {
      const shortest = Math.min(...phases.map(({ length }) => length));
      throw new RangeError(
        `${phases.length} phases do not fit into ${totalSteps} steps: phase ${index + 1} (${phase.name}, ` +
          `${(100 * phase.length).toFixed(1)}% of training) would have none. Train ${Math.floor(1 / shortest) + 1} ` +
          'steps or more, or use fewer cycles',
      );
    }
    assertSelectsWithin(phase, end - start, index);
    return { phase, start, end };
  });
}

function assertPhase({ name, length, selection }: Phase, index: number): void {
  const phase = `Phase ${index + 1} (${name})`;
  if (!(length > 0))
    throw new RangeError(`${phase} takes ${length} of training, which is not a share above 0`);
  if (typeof selection === 'string') return;
  const { everySteps } = selection;
  if (!Number.isInteger(everySteps) || everySteps < 1) {
    throw new RangeError(
      `${phase} selects every ${everySteps} steps, which is not a whole number of at least 1`,
    );
  }
}

/** A phase that is to choose again and again has to be long enough to do so once. */
function assertSelectsWithin({ name, selection }: Phase, steps: number, index: number): void {
  if (typeof selection === 'string' || selection.everySteps === 1 || selection.everySteps < steps) return;
  throw new RangeError(
    `Phase ${index + 1} (${name}) selects every ${selection.everySteps} steps, and has ${steps}: ` +
      'select more often, or train longer',
  );
}

/** The phase that step `step` (from 0) belongs to. After the last step, the last phase. */
export function phaseAt(placed: readonly PlacedPhase[], step: number): PlacedPhase {
  const found = placed.find(({ end }) => step < end) ?? placed.at(-1);
  if (!found) throw new RangeError('A search without phases has no phase');
  return found;
}

/** Progress through the phase at a step, 0 to 1. */
export function progressAt({ start, end }: PlacedPhase, step: number): number {
  return Math.min(1, (step - start) / (end - start));
}

/** Whether the mask is chosen before step `step` of this phase. */
export function selectsAt({ phase, start, end }: PlacedPhase, step: number): boolean {
  if (step === start) return true;
  if (phase.selection === 'at start') return false;
  const interval =
    phase.selection === 'gradually'
      ? Math.max(1, Math.round((end - start) / 100))
      : phase.selection.everySteps;
  return (step - start) % interval === 0;
}

function assertShare(share: number, name: string): void {
  if (!(share > 0 && share < 1)) throw new RangeError(`${name} = ${share} is not above 0 and under 1`);
}
