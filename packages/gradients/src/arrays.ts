/** Kernels written out as loops over arrays, for the backends whose data lies in the processor's memory. */
import * as tf from '@tensorflow/tfjs';

import type { Attributes, Kernel } from './repair.js';

export interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** @returns a kernel of a function of arrays; it takes float32 alone */
export function arrayKernel(
  compute: (inputs: Readonly<Record<string, Values>>, attrs: Attributes) => Values,
): Kernel {
  return ({ inputs, attrs }) => {
    const arrays = Object.entries(inputs).map(([name, tensor]) => [name, valuesOf(tensor)]);
    const { shape, values } = compute(Object.fromEntries(arrays) as Record<string, Values>, attrs);
    return tf.tensor(values, [...shape], 'float32');
  };
}

export function valuesOf({ shape, dataId }: tf.TensorInfo): Values {
  return { shape, values: tf.engine().readSync(dataId) as Float32Array };
}
