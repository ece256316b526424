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
    const arrays = Object.entries(inputs).map(([name, tensor]) => [name, valuesOf(tensor, name)]);
    const { shape, values } = compute(Object.fromEntries(arrays) as Record<string, Values>, attrs);
    return tf.tensor(values, [...shape], 'float32');
  };
}

/**
 * @param name what the tensor is called, for the error
 * @throws TypeError unless the tensor is of float32, RangeError unless it has as many numbers as its shape says
 */
export function valuesOf({ shape, dtype, dataId }: tf.TensorInfo, name = 'a tensor'): Values {
  if (dtype !== 'float32') throw new TypeError(`${name} is to be float32, got ${dtype}`);
  const values = tf.engine().readSync(dataId) as Float32Array;
  if (values.length === tf.util.sizeFromShape(shape)) return { shape, values };
  throw new RangeError(`${name} has the shape [${shape}] and ${values.length} numbers`);
}

/** @throws RangeError unless the tensor is there and has the shape; null is any length */
export function assertShape(
  name: string,
  tensor: { readonly shape: readonly number[] } | undefined,
  shape: readonly (number | null)[],
): void {
  const fits =
    tensor?.shape.length === shape.length &&
    shape.every((length, axis) => length === null || length === tensor.shape[axis]);
  if (fits) return;
  const wanted = shape.map((length) => length ?? 'any').join(', ');
  throw new RangeError(
    `${name} is to have the shape [${wanted}], got ${tensor ? `[${tensor.shape}]` : 'nothing'}`,
  );
}
