/** Sums, means and products over no elements, on wasm: the stock kernels leave the memory of their results as it was. */
import * as tf from '@tensorflow/tfjs';

import { composed, type Kernel, type Repair } from '../repair.js';

const instead =
  (value: number) =>
  (stock: Kernel): Kernel =>
  (call) => {
    const { x } = call.inputs as { x: tf.Tensor };
    if (x.size > 0) return stock(call);
    const axes = tf.util.parseAxisParam(call.attrs['axis'] as number[], x.shape);
    const shape = x.shape.flatMap((size, axis) =>
      !axes.includes(axis) ? [size] : call.attrs['keepDims'] ? [1] : [],
    );
    return composed(() => tf.fill(shape, value, x.dtype as 'float32'))(call);
  };

export const ofNothing: Repair = {
  kernels: { wasm: { Sum: instead(0), Mean: instead(0), Prod: instead(1) } },
};
