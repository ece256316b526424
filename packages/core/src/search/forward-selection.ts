/**
 * Forward selection: blocks are chosen in rounds, the best of those not chosen yet joining at each round's end,
 * and none leaves; after it, where asked for, swaps at a fixed number of blocks (replacement).
 */
import {
  assertOptions,
  complement,
  growMask,
  keptBlocks,
  oneOf,
  required,
  topK,
  wholeNumber,
  type BlockMask,
} from '@espalier/blocks';

import { densePhase, MOST_PHASES, sparsePhase, type Choice, type Phase, type Search } from './phases.js';
import { shareOfTraining } from './share.js';

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
 * @throws RangeError or TypeError for a setting that is not what it is to be, or shares that leave nothing to the rounds
 */
export function forwardSelection(settings: ForwardSelectionSettings): Search {
  assertOptions('forwardSelection()', settings, {
    warmUp: required(shareOfTraining('[0, 1)')),
    rounds: required(wholeNumber(1, MOST_PHASES)),
    swaps: wholeNumber(0, MOST_PHASES),
    fineTuning: required(shareOfTraining('(0, 1)')),
    joinBy: required(oneOf('importance', 'growth')),
  });
  const { warmUp, rounds, swaps = 0, fineTuning, joinBy } = settings;
  if (warmUp + fineTuning >= 1) {
    throw new RangeError(
      `warmUp = ${warmUp} and fineTuning = ${fineTuning} must leave a share to the rounds`,
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
