/** Whether a run came to numbers at all. */
import { DivergedError } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { NamedVariable } from './checkpoint.js';
import type { KernelState } from './kernel-state.js';

/** @throws DivergedError when a number of a variable, or of an effective weight, is not finite */
export async function assertFinite(
  variables: readonly NamedVariable[],
  kernels: readonly KernelState[],
): Promise<void> {
  for (const { name, variable } of variables) await assertFiniteTensor(name, variable);
  for (const kernel of kernels) {
    await assertFiniteTensor(`the effective weight of ${kernel.name}`, kernel.show());
  }
}

async function assertFiniteTensor(name: string, tensor: tf.Tensor): Promise<void> {
  if (tensor.dtype !== 'float32' || (await tensor.data()).every(Number.isFinite)) return;
  throw new DivergedError(`Not every number of ${name} is finite`);
}
