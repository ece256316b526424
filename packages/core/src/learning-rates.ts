/** Learning rates for what a parameterisation adds, where these are not to be the optimiser's. */
import { assertArgument, numberIn } from '@espalier/blocks';

import type { LearningRate } from './pruner.js';

/** How far a run is to take logits, in units of `ln(1/d)`, as an argument. */
export const aTravel = numberIn('(0, ∞)', 'how far the logits travel, in units of ln(1 / density)');

/**
 * Rates that add up, over all steps of the run, to `c · ln(1/d)`, d the kernel's density: as far as Adam takes a logit
 * whose gradient never turns. They fall as the half of a cosine, the rate at step k of T being
 *
 *     c · ln(1/d) · (1 + cos(π k / T)) / (T + 1),   k = 0 … T − 1
 *
 * `ln(1/d)` is what takes attention from 1 to the bound `1/d`, so that c says how often a logit could go there. Neither
 * the number of blocks, nor the scale of inputs and loss, nor the length of training has a part in it.
 *
 * @param distance c, above 0
 * @throws RangeError or TypeError for a distance that is not a number above 0
 */
export function travel(distance: number): LearningRate {
  assertArgument('travel()', 'distance', distance, aTravel);
  return ({ density }, step, totalSteps) =>
    (distance * Math.log(1 / density) * (1 + Math.cos((Math.PI * step) / totalSteps))) / (totalSteps + 1);
}
