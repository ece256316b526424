/** Telling core of an op that makes the whole effective weight at once, and of which the gradients come at once too. */
import { aFunction, assertArgument } from '@espalier/blocks';

import type { OnePass, PartOfWeight } from './pruner.js';

/**
 * `elementwise` or `blockScale` of a parameterisation, and beside it an op that comes to the same: the raw weight, through
 * the one or times the other, under the mask. Core computes by the op where the parameterisation has no other of the two.
 * What `definition` says counts wherever it is asked for alone: in sparse phases, by `chain`.
 *
 * @returns a function that does as the definition
 * @throws TypeError for what is no function
 */
export function inOnePass(definition: PartOfWeight, onePass: OnePass): PartOfWeight {
  assertArgument('inOnePass()', 'definition', definition, aFunction('a function of the raw weight'));
  assertArgument('inOnePass()', 'onePass', onePass, aFunction('a function of the raw weight and a mask'));
  // A function of its own: that which is given may be another strategy's too.
  const own: PartOfWeight = (raw, trainables, kernel) => definition(raw, trainables, kernel);
  return Object.assign(own, { onePass });
}
