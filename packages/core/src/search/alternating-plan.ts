/** The time plan of searches that alternate between sparse and dense phases, and the published ones. */

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
 * The share of training that a cycle takes, the extension of the last aside.
 *
 * @throws RangeError for a number of cycles that is not whole, or shares that leave nothing to them
 */
export function cycleLength({ warmUp, cycles, lastCycleExtension, fineTuning }: AlternatingPlan): number {
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
