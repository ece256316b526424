/**
 * Forward selection: blocks are chosen in rounds, the best of those not chosen yet joining at each round's end,
 * and none leaves; after it, where asked for, swaps at a fixed number of blocks (replacement).
 */
import { type BlockMask, complement, growMask, keptBlocks, topK } from '@espalier/blocks';

import { densePhase, sparsePhase, type Choice, type Phase, type Search } from './phases.js';

export interface ForwardSelectionSettings {
  /** The share of training before the first round, in which all blocks count as chosen; from 0. */
  warmUp: number;
  /** In how many rounds the `k` blocks are chosen: `⌈k / rounds⌉` of them, or one fewer, in each. */
  rounds: number;
  /** How many swaps follow, each as long as a round, of as many blocks. */
  swaps?: number;
  /** The share of training at the end, above 0, in which the blocks that were not chosen are pruned. */
  fineTuning: number;
  /** By which score a block joins: the strategy's importance, or its growth. By the importance it leaves. */
  joinBy: 'importance' | 'growth';
}

/**
 * The blocks that are not chosen stay active until the fine-tuning: what they do there is the
 * parameterisation's to say, which is told of the choice by `afterChoice`.
 *
 * @throws RangeError for rounds or swaps that are no whole numbers, or shares that leave nothing to them
 */
export function forwardSelection({
  warmUp,
  rounds,
  swaps = 0,
  fineTuning,
  joinBy,
}: ForwardSelectionSettings): Search {
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`rounds = ${rounds} is not a whole number of at least 1`);
  }
  if (!Number.isInteger(swaps) || swaps < 0) {
    throw new RangeError(`swaps = ${swaps} is not a whole number of at least 0`);
  }
  if (!(warmUp >= 0 && fineTuning > 0 && warmUp + fineTuning < 1)) {
    throw new RangeError(
      `warmUp = ${warmUp} must be at least 0, fineTuning = ${fineTuning} above 0, and their sum under 1`,
    );
  }
  const join = ({ scores, growthScores }: Choice) => (joinBy === 'growth' ? growthScores : scores);
  const choices: NonNullable<Phase['choose']>[] = [
    ({ grid }) => new Uint8Array(grid.blocks),
    ...Array.from(
      { length: rounds },
      (_, round) => (choice: Choice) =>
        growMask(allowed(choice), join(choice), Math.ceil((choice.keep * (round + 1)) / rounds)),
    ),
    ...Array.from(
      { length: swaps },
      () => (choice: Choice) => swap(choice, join(choice), Math.ceil(choice.keep / rounds)),
    ),
  ];
  const length = (1 - warmUp - fineTuning) / (choices.length - 1);
  const phases = choices.map((choose, i): Phase => {
    if (i === choices.length - 1) return { ...sparsePhase(fineTuning), candidates: 'all', choose };
    return { ...sparsePhase(length), name: 'selection', candidates: 'all', choose, others: 'active' };
  });
  return {
    name: swaps === 0 ? 'forward selection' : 'forward selection with replacement',
    phases: warmUp > 0 ? [densePhase(warmUp), ...phases] : phases,
    prunedWeights: 'masked',
    needsGrowth: joinBy === 'growth',
  };
}

/**
 * The chosen blocks, of which none leaves, unless the kernel is to keep fewer in the end: an allocation by scores may
 * give it fewer than it had when they joined, and the others more.
 */
function allowed({ scores, chosen, keep }: Choice): BlockMask {
  return keptBlocks(chosen) > keep ? topK(scores, keep, chosen) : chosen;
}

/** The `count` chosen blocks of lowest score leave, as many others of highest score to join by take their place. */
function swap({ scores, chosen, keep }: Choice, joinScores: ArrayLike<number>, count: number): BlockMask {
  const others = complement(chosen);
  const stay = Math.max(0, keep - Math.min(count, keptBlocks(others)));
  return growMask(topK(scores, stay, chosen), joinScores, keep, others);
}
