/** `prelu` on wasm takes the slopes for those of the channels, however they broadcast. Other slopes are composed. */
import * as tf from '@tensorflow/tfjs';

import { composed, type Repair } from '../repair.js';

export const prelu: Repair = {
  kernels: {
    wasm: {
      Prelu: (stock) => (call) => {
        const { x, alpha } = call.inputs as { x: tf.Tensor; alpha: tf.Tensor };
        const channels = x.shape.at(-1) ?? 1;
        if (x.size > 0 && alpha.size === channels && (alpha.shape.at(-1) ?? 1) === channels)
          return stock(call);
        return composed(() => tf.where(tf.greater(x, 0), x, tf.mul(alpha, x)))(call);
      },
    },
  },
};
