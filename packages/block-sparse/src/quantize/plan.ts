/** In which precision each weight of a model is stored. */
import { describeValue, nearest } from '@espalier/blocks';
import { allKernels } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import { type StoredKernel, storedKernels, variableOf } from '../layers/stored-kernels.js';
import { layerPaths } from '../nested-layers.js';
import type { Precision } from './encode.js';

/**
 * The precision of a kernel's numbers. `uint8-block` has a range for each kept block in place of one for the kernel, for
 * four bytes a block: for kernels whose blocks differ in size. It is for kernels that are stored block-sparse.
 */
export type Quantization = Precision | 'uint8-block';

/**
 * One for all kernels, or by the kernel's name (`layer/kernel`, as `compressionReport` has it), those that are not named as
 * `others` says, which is float32 when absent. Weights of one axis (biases, scales and statistics of normalisation) stay
 * float32: they are few, and the most sensitive.
 */
export type HowToQuantize = Quantization | Readonly<Record<string, Quantization>>;

const QUANTIZATIONS: readonly Quantization[] = ['float32', 'float16', 'uint16', 'uint8', 'uint8-block'];

export interface PlannedWeight {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly quantization: Quantization;
  /** Of a kernel that is stored block-sparse. */
  readonly stored: StoredKernel | null;
}

/**
 * Every kernel of a model, with what becomes of it.
 *
 * @param of the function that it is given to
 * @throws TypeError, RangeError for precisions that there are not, names that the model has not, ranges of blocks for a
 *   kernel that is stored whole
 */
export function plannedWeights(model: tf.LayersModel, how: HowToQuantize, of: string): PlannedWeight[] {
  const kernels = allKernels(model);
  const names = kernels.map(({ name }) => name);
  const byName = typeof how === 'string' ? { others: how } : how;
  if (typeof byName !== 'object' || byName === null || Array.isArray(byName)) {
    throw new TypeError(
      `${of} takes a precision, or one by the name of each kernel, as quantize: it is given ${describeValue(how)}`,
    );
  }
  for (const [name, quantization] of Object.entries(byName)) {
    if (!QUANTIZATIONS.includes(quantization)) {
      throw new RangeError(
        `${of}: there is no precision ${describeValue(quantization)}: choose ${QUANTIZATIONS.join(', ')}`,
      );
    }
    if (name !== 'others' && !names.includes(name)) {
      const near = nearest(name, names);
      throw new RangeError(
        `${of}: the model has no kernel ${name}${near === null ? '' : `: is ${near} meant?`} It has ${names.join(', ')}`,
      );
    }
  }
  const stored = storedByVariable(model);
  return kernels.map(({ name, variable }) => {
    const own = stored.get(variable) ?? null;
    const named = byName[name];
    const other = byName['others'] ?? 'float32';
    if (named === 'uint8-block' && !own) {
      throw new RangeError(
        `${of}: ${name} is stored whole, and has no blocks to give a range each: choose uint8`,
      );
    }
    // Asked for of all, ranges of blocks are for those that have blocks.
    const quantization = named ?? (other === 'uint8-block' && !own ? 'uint8' : other);
    return { name, variable, quantization, stored: own };
  });
}

function storedByVariable(model: tf.LayersModel): ReadonlyMap<tf.Variable, StoredKernel> {
  return new Map(
    [...layerPaths(model)].flatMap(([, layer]) =>
      [...(storedKernels(layer)?.kernels.values() ?? [])].map(
        (kernel) => [variableOf(kernel.values), kernel] as const,
      ),
    ),
  );
}
