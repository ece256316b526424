/**
 * `cumsum` and `cumprod`. tfjs transposes the gradient of a sum along any axis but the last, and takes an axis that is
 * counted from the back for another, which on wasm overwrites memory. On webgpu a sum that runs backwards keeps the length
 * of the first tensor that it ran over.
 */
import * as tf from '@tensorflow/tfjs';

import { fromFront } from '../axes.js';
import { composed, onBackends, outcome, type Kernel, type Repair } from '../repair.js';

const countedFromTheFront =
  (stock: Kernel): Kernel =>
  (call) => {
    const { x } = call.inputs as { x: tf.Tensor };
    return stock({
      ...call,
      attrs: { ...call.attrs, axis: fromFront(call.attrs['axis'] as number, x.rank) },
    });
  };

const forwards = (stock: Kernel): Kernel => {
  const kernel = countedFromTheFront(stock);
  return (call) => {
    if (!call.attrs['reverse']) return kernel(call);
    const axis = call.attrs['axis'] as number;
    return composed(({ inputs, attrs, backend }) => {
      const x = tf.reverse(inputs['x']!, axis);
      return tf.reverse(
        outcome(kernel, { inputs: { x }, attrs: { ...attrs, reverse: false }, backend }),
        axis,
      );
    })(call);
  };
};

export const cumulative: Repair = {
  gradients: {
    Cumsum: () => ({
      inputsToSave: ['x'],
      gradient: (dy, [x], attrs) => {
        const axis = fromFront(attrs['axis'] as number, x!.rank);
        return { x: () => tf.cumsum(dy, axis, attrs['exclusive'] as boolean, !attrs['reverse']) };
      },
    }),
  },
  kernels: {
    ...onBackends(['cpu', 'wasm'], { Cumsum: countedFromTheFront, Cumprod: countedFromTheFront }),
    webgpu: { Cumsum: forwards, Cumprod: forwards },
  },
};
