/** The time plan of searches that alternate between sparse and dense phases, and the published ones. */
import {
  anObject,
  assertArgument,
  assertOptions,
  describeValue,
  oneOf,
  required,
  wholeNumber,
  type Expected,
} from '@espalier/blocks';

import { MOST_PHASES } from './phases.js';
import { shareOfTraining } from './share.js';

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

/**
 * Peste et al. 2021, arXiv 2106.12379, CIFAR-10, 200 epochs: cycles from epochs 10, 50, 90 and 130, the second half of
 * each dense, and sparse from 170.
 */
export const cifar10Plan: AlternatingPlan = {
  warmUp: 10 / 200,
  cycles: 4,
  lastCycleExtension: 0,
  fineTuning: 30 / 200,
};

/** What a strategy's `plan` is to be: the name of one of these, or a plan of the caller's own. */
export function planOrName(plans: Readonly<Record<string, AlternatingPlan>>): Expected {
  const own = anObject('a plan');
  return {
    type: 'string',
    holds: (value) => (typeof value === 'string' ? Object.hasOwn(plans, value) : own.holds(value)),
    words: `${oneOf(...Object.keys(plans)).words}, or a plan of your own: { warmUp, cycles, lastCycleExtension, fineTuning }`,
  };
}

/** @throws RangeError, with the names that there are, when the plans have none of that name; TypeError for no name. */
export function namedPlan<Name extends string>(
  name: Name,
  plans: Readonly<Record<Name, AlternatingPlan>>,
): AlternatingPlan {
  assertArgument('namedPlan()', 'plans', plans, anObject('an object of plans by name'));
  if (typeof name === 'string' && Object.hasOwn(plans, name)) return plans[name];
  throw new RangeError(
    `There is no plan ${describeValue(name)}: choose ${Object.keys(plans).join(' or ')}, or pass one of your own`,
  );
}

/**
 * The share of training that a cycle takes, the extension of the last aside.
 *
 * @param of the search, as an error is to call it
 * @throws RangeError or TypeError for a plan that is none, or one that leaves nothing to the cycles
 */
export function cycleLength(plan: AlternatingPlan, of: string): number {
  assertOptions(`${of}: the plan`, plan, {
    warmUp: required(shareOfTraining('(0, 1)')),
    cycles: required(wholeNumber(1, MOST_PHASES)),
    lastCycleExtension: required(shareOfTraining('[0, 1)')),
    fineTuning: required(shareOfTraining('(0, 1)')),
  });
  const { warmUp, cycles, lastCycleExtension, fineTuning } = plan;
  const inCycles = 1 - warmUp - lastCycleExtension - fineTuning;
  if (!(inCycles > 0)) {
    throw new RangeError(
      `${of}: warmUp ${warmUp}, lastCycleExtension ${lastCycleExtension} and fineTuning ${fineTuning} ` +
        'must leave a share of training to the cycles',
    );
  }
  return inCycles / cycles;
}
