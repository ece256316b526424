/**
 * Drop-and-grow: sparse from the first step, and every so many steps some of the chosen blocks are exchanged
 * for others (Evci et al., arXiv 1911.11134 §3). Which, is the strategy's to say.
 */
import type { BlockMask } from '@espalier/blocks';

import type { Curve } from './curves.js';
import { sparsePhase, type Choice, type Search } from './phases.js';

/** `α/2 · (1 + cos(π t))`: the share of the chosen blocks to drop, `t` from 0 to 1 until the last exchange. */
export function dropFraction(alpha: number): Curve {
  if (!(alpha > 0 && alpha <= 1)) throw new RangeError(`alpha = ${alpha} is not above 0 and at most 1`);
  return (t) => (alpha / 2) * (1 + Math.cos(Math.PI * t));
}

export interface DropAndGrowSettings {
  /** ΔT, the steps from one exchange to the next, which itself takes the place of one; at least 2. */
  everySteps: number;
  /** The share of training, above 0 and under 1, until which blocks are exchanged. */
  until: number;
  /** The share of the chosen blocks to drop, α, at first. */
  alpha: number;
  /** The blocks of the first step. */
  start: (choice: Choice) => BlockMask;
  /**
   * The blocks from now on, when `drop` of the chosen ones are to be exchanged. The score of what is not chosen is
   * −Infinity: there is no weight there.
   */
  exchange: (choice: Choice, drop: number) => BlockMask;
}

/** Of fewer blocks, ⌊k · α⌋ is none at the α = 0.3 that the authors take: they would stay for good as they were drawn. */
const FEWEST_BLOCKS = 4;

/**
 * Every exchange takes the place of an optimiser step, and what the optimiser remembers of the grown weights is cleared;
 * it is never reset as a whole (§3, Algorithm 1, and the authors' code). Unlike there, at least one block is dropped of
 * fewer than four.
 *
 * What is grown starts from zero, which the authors found best among the initial values that they tried (§3, 4); where
 * the parameterisation could not leave zero, from the values that it had before.
 *
 * @throws RangeError for settings out of range
 */
export function dropAndGrow({ everySteps, until, alpha, start, exchange }: DropAndGrowSettings): Search {
  const fraction = dropFraction(alpha);
  if (!Number.isInteger(everySteps) || everySteps < 1) {
    throw new RangeError(`everySteps = ${everySteps} is not a whole number of at least 1`);
  }
  if (everySteps === 1) {
    throw new RangeError(
      'everySteps = 1 leaves no step to train, as an exchange takes the place of one: at least 2',
    );
  }
  if (!(until > 0 && until < 1)) throw new RangeError(`until = ${until} is not above 0 and under 1`);
  return {
    name: 'drop-and-grow',
    phases: [
      {
        ...sparsePhase(until),
        name: 'drop and grow',
        candidates: 'all',
        selection: { everySteps },
        inPlaceOfStep: true,
        choose: (choice) => {
          if (choice.progress === 0) return start(choice);
          const drop = Math.floor(choice.keep * fraction(choice.progress));
          return exchange(ofChosen(choice), choice.keep < FEWEST_BLOCKS ? Math.max(1, drop) : drop);
        },
      },
      { ...sparsePhase(1 - until), resetsOptimizer: false },
    ],
    prunedWeights: 'erased',
    needsGrowth: true,
  };
}

/** Scores of chosen blocks alone: in the place of the others momentum may have moved what the network does not have. */
function ofChosen(choice: Choice): Choice {
  const { scores, chosen } = choice;
  return { ...choice, scores: Array.from(scores, (score, block) => (chosen[block] ? score : -Infinity)) };
}
