/** Whether the parts of a strategy fit together: found out before anything is hooked, never at half of training. */
import { blockGrid, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { assertParts } from './parts.js';
import type { Importance, Parameterisation, PrunedKernel, Pruner } from './pruner.js';

/**
 * tfjs' backend must be ready: the parameterisation is asked what it adds, for a matrix of four blocks.
 *
 * @throws TypeError for a part that is not what belongs there: a whole strategy, a function that was not called, a
 *   field that there is not
 * @throws RangeError for parts that cannot work together
 */
export function assertCombination(pruner: Pruner): void {
  assertParts(pruner);
  assertTrains(pruner);
  assertNeeds(pruner);
  assertGrowth(pruner);
  assertActive(pruner);
  assertNorm(pruner);
  assertLeavesZero(pruner);
  assertTellsInTime(pruner);
}

/**
 * The strategy as it runs. Where its search erases what it prunes and its parameterisation cannot leave zero, the
 * search masks instead: a block of zeros would have no gradient in the phase in which it is to come back, so that
 * the first support would be the last. Both ways are published: AC/DC's own (arXiv 2106.12379 §3), and with what was
 * pruned coming back at its old values (arXiv 2402.17902 §4.2). That zero is a critical point of a power is in
 * Schwarz et al., arXiv 2110.00296.
 */
export function inForce(pruner: Pruner): Pruner {
  const { parameterisation, search } = pruner;
  if (search.prunedWeights === 'masked' || !parameterisation.zeroIsStuck) return pruner;
  return { ...pruner, search: { ...search, prunedWeights: 'masked' } };
}

/** The names of what it adds, asked for a kernel that there is not. */
function addedBy(parameterisation: Parameterisation): string[] {
  return tf.tidy(() => {
    const buffers = Object.keys(parameterisation.buffers?.(unknownKernel()) ?? {});
    const names = [...trainedBy(parameterisation), ...buffers];
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice === undefined) return names;
    throw new RangeError(
      `The parameterisation '${parameterisation.name}' has ${twice} as a trainable and as a buffer: rename one`,
    );
  });
}

function trainedBy(parameterisation: Parameterisation): string[] {
  return tf.tidy(() => Object.keys(parameterisation.trainables?.(unknownKernel()) ?? {}));
}

function unknownKernel(): PrunedKernel {
  const grid = blockGrid([4, 4], [2, 2]);
  return { name: 'a kernel', seed: 1, grid, density: 0.5, buffers: {} };
}

function assertNeeds({ name, parameterisation, importance, growth }: Pruner): void {
  const added = addedBy(parameterisation);
  for (const score of [importance, growth]) {
    const missing = score?.needs?.find((need) => !added.includes(need));
    if (missing === undefined) continue;
    const adds = added.length === 0 ? 'adds nothing' : `adds ${added.join(' and ')}`;
    throw new RangeError(
      `${name}: the importance '${score!.name}' scores by ${missing}, and the parameterisation ` +
        `'${parameterisation.name}' ${adds}: take the parameterisation that goes with it, or another importance`,
    );
  }
}

/** A learning rate is one of something that trains. */
function assertTrains({ name, parameterisation }: Pruner): void {
  const { name: own, learningRates = {} } = parameterisation;
  for (const [of, rate] of Object.entries(learningRates)) {
    if (typeof rate !== 'function') {
      throw new TypeError(
        `${name}: the parameterisation '${own}' has for the learning rate of ${of} ${describeValue(rate)}, not a ` +
          'function of the kernel and the step, such as travel(8)',
      );
    }
    if (trainedBy(parameterisation).includes(of)) continue;
    throw new RangeError(
      `${name}: the parameterisation '${own}' has a learning rate for ${of}, which it does not train: it trains ` +
        `${trainedBy(parameterisation).join(' and ') || 'nothing beside the weight'}`,
    );
  }
}

function assertGrowth({ name, search, growth }: Pruner): void {
  if (!search.needsGrowth || growth) return;
  throw new RangeError(
    `${name}: the search '${search.name}' grows blocks by a score of its own, and the strategy has no growth: ` +
      'give it one, such as gradientNorm',
  );
}

function assertActive({ name, parameterisation, search }: Pruner): void {
  if (!parameterisation.needsActive || search.phases.some(({ others }) => others === 'active')) return;
  throw new RangeError(
    `${name}: the parameterisation '${parameterisation.name}' is for blocks that compute without being chosen, and the ` +
      `search '${search.name}' has none: take one that leaves them active, such as forwardSelection()`,
  );
}

function assertNorm({ name, parameterisation, importance, search }: Pruner): void {
  if (!parameterisation.needsNorm) return;
  const parts = `${name}: the parameterisation '${parameterisation.name}' parts blocks by their norm`;
  if (search.needsGrowth) {
    throw new RangeError(
      `${parts}, and the search '${search.name}' chooses them by something else: take one without growth`,
    );
  }
  if (importance.byNorm) return;
  throw new RangeError(
    `${parts}, and the importance '${importance.name}' chooses them by something else: ` +
      'take one by norm, such as frobenius',
  );
}

/** `W ← top_k(W − η∇L)` with all but the k blocks at zero, where masks would let them grow without bound. */
function assertLeavesZero({ name, parameterisation, search }: Pruner): void {
  if (!parameterisation.zeroIsStuck || search.prunedWeights !== 'erased' || search.gradient !== 'all') return;
  throw new RangeError(
    `${name}: the search '${search.name}' is to bring blocks back from zero by their gradient, and under the ` +
      `parameterisation '${parameterisation.name}' they have none there: take one that can leave zero`,
  );
}

/** Before the first step, all blocks have the same gradient and the same logits: the choice would be of the first ones. */
function assertTellsInTime({ name, importance, search }: Pruner): void {
  const [first] = search.phases;
  if (!first || first.choose || first.curve(0) === 0 || !isTaught(importance)) return;
  const by = importance.usesGradient ? 'the gradient' : importance.needs!.join(' and ');
  throw new RangeError(
    `${name}: the search '${search.name}' prunes before the first step, when the importance '${importance.name}' ` +
      `cannot tell blocks apart yet by ${by}: begin with a dense phase`,
  );
}

function isTaught({ usesGradient, needs = [] }: Importance): boolean {
  return usesGradient === true || needs.length > 0;
}
