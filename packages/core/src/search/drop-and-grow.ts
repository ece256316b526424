/**
 * Drop-and-grow: sparse from the first step, and every so many steps some of the chosen blocks are exchanged
 * for others (Evci et al., arXiv 1911.11134 §3). Which, is the strategy's to say.
 */
import {
  aFunction,
  assertArgument,
  assertOptions,
  numberIn,
  required,
  wholeNumber,
  type BlockMask,
} from '@espalier/blocks';

import type { Curve } from './curves.js';
import { sparsePhase, type Choice, type Search } from './phases.js';
import { shareOfTraining } from './share.js';

const anAlpha = numberIn('(0, 1]', 'the share of the chosen blocks to drop at first');

/** `α/2 · (1 + cos(π t))`: the share of the chosen blocks to drop, `t` from 0 to 1 until the last exchange. */
export function dropFraction(alpha: number): Curve {
  assertArgument('dropFraction()', 'alpha', alpha, anAlpha);
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
 * @throws RangeError or TypeError for a setting that is not what it is to be
 */
export function dropAndGrow(settings: DropAndGrowSettings): Search {
  assertOptions('dropAndGrow()', settings, {
    everySteps: required(wholeNumber(1)),
    until: required(shareOfTraining('(0, 1)')),
    alpha: required(anAlpha),
    start: required(aFunction('a function of a choice: ({ grid, keep, seed }) => mask')),
    exchange: required(aFunction('a function of a choice and of how many to drop: (choice, drop) => mask')),
  });
  const { everySteps, until, alpha, start, exchange } = settings;
  const fraction = dropFraction(alpha);
  if (everySteps === 1) {
    throw new RangeError(
      'everySteps = 1 leaves no step to train, as an exchange takes the place of one: at least 2',
    );
  }
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
  const { chosen } = choice;
  const scores = Float32Array.from(choice.scores);
  for (let block = 0; block < scores.length; block++) if (!chosen[block]) scores[block] = -Infinity;
  return { ...choice, scores };
}
