/**
 * Parameterisations one after the other, as transformations are chained in optax. (Not called `then`: a module that
 * exports a function of that name cannot be imported by `import()`, which takes it for a promise.)
 */
import { scaleBlocks } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import { assertParameterisation } from './parts.js';
import type { ChosenKernel, Parameterisation, PrunedKernel, Trainables } from './pruner.js';

/**
 * `effective = last(… second(first(raw)))`: each takes for its raw weight what the one before makes. What they add,
 * they add under its own names, which must differ.
 *
 * Its `elementwise` is a function of each weight alone again, so that sparse phases serve it too: a function of each
 * weight goes before every scale of blocks. A proximal step is one on what is trained, so that only the first may have it.
 *
 * @throws TypeError for what is no parameterisation
 * @throws RangeError for an `elementwise` after a `blockScale`, or a proximal step that is not the first's
 *
 * @example
 * ```ts
 * import { chain, softmaxAttention } from '@espalier/core';
 * import { powerpropagationParameterisation } from '@espalier/powerpropagation';
 * import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
 *
 * const parameterisation = chain(powerpropagationParameterisation(), softmaxAttention());
 * const pruner = { ...sequentialAttentionPlusPlus(), parameterisation };
 * console.log(parameterisation.name); // block powerpropagation, then softmax attention
 * ```
 */
export function chain(
  first: Parameterisation,
  second: Parameterisation,
  ...others: readonly Parameterisation[]
): Parameterisation {
  const all = [first, second, ...others];
  all.forEach((each, i) => assertParameterisation(each, `chain(): parameterisation ${i + 1}`));
  return all.reduce(pair);
}

function pair(a: Parameterisation, b: Parameterisation): Parameterisation {
  assertOrder(a, b);
  /** What `a` makes of its raw weight. */
  const between = (raw: tf.Tensor2D, trainables: Trainables, kernel: PrunedKernel): tf.Tensor2D => {
    const weight = a.elementwise?.(raw, trainables, kernel) ?? raw;
    const scale = a.blockScale?.(raw, trainables, kernel);
    return scale ? scaleBlocks(weight, scale, kernel.grid) : weight;
  };
  const blockScale: Parameterisation['blockScale'] = (raw, trainables, kernel) => {
    const ofA = a.blockScale?.(raw, trainables, kernel);
    const ofB = b.blockScale?.(between(raw, trainables, kernel), trainables, kernel);
    return ofA && ofB ? ofA.mul<tf.Tensor2D>(ofB) : ((ofA ?? ofB) as tf.Tensor2D);
  };
  const elementwise: Parameterisation['elementwise'] = (raw, trainables, kernel) => {
    const weight = a.elementwise?.(raw, trainables, kernel) ?? raw;
    return b.elementwise?.(weight, trainables, kernel) ?? weight;
  };
  return {
    name: `${a.name}, then ${b.name}`,
    trainables: (kernel) => union(a, b, a.trainables?.(kernel), b.trainables?.(kernel)),
    buffers: (kernel) => union(a, b, a.buffers?.(kernel), b.buffers?.(kernel)),
    raw: (weight, kernel, trainables) => {
      const ofB = b.raw?.(weight, kernel, trainables) ?? weight;
      return a.raw?.(ofB, kernel, trainables) ?? ofB;
    },
    ...((a.elementwise || b.elementwise) && { elementwise }),
    ...((a.blockScale || b.blockScale) && { blockScale }),
    afterChoice: (kernel: ChosenKernel) => {
      a.afterChoice?.(kernel);
      b.afterChoice?.({ ...kernel, raw: between(kernel.raw, kernel.trainables, kernel) });
    },
    ...((a.learningRates || b.learningRates) && {
      learningRates: { ...a.learningRates, ...b.learningRates },
    }),
    ...(a.proximal && { proximal: a.proximal.bind(a) }),
    zeroIsStuck: a.zeroIsStuck === true || b.zeroIsStuck === true,
    needsActive: a.needsActive === true || b.needsActive === true,
    needsNorm: a.needsNorm === true || b.needsNorm === true,
  };
}

function assertOrder(a: Parameterisation, b: Parameterisation): void {
  if (a.blockScale && b.elementwise) {
    throw new RangeError(
      `'${b.name}' cannot follow '${a.name}': a function of each weight goes before a scale of blocks; ` +
        'chain them the other way round',
    );
  }
  if (b.proximal) {
    throw new RangeError(
      `'${b.name}' cannot follow '${a.name}': its proximal step is one on the raw weight, which only the first of a ` +
        `chain trains; ${a.proximal ? 'leave one of the two out' : 'put it first'}`,
    );
  }
}

function union<T>(
  a: Parameterisation,
  b: Parameterisation,
  ofA: Readonly<Record<string, T>> = {},
  ofB: Readonly<Record<string, T>> = {},
): Record<string, T> {
  const taken = Object.keys(ofB).find((name) => Object.hasOwn(ofA, name));
  if (taken === undefined) return { ...ofA, ...ofB };
  throw new RangeError(`'${b.name}' cannot follow '${a.name}': both add ${taken}`);
}
