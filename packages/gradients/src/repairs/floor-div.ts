/** `floorDiv` is constant between its jumps: its gradient is 0. tfjs has that of the quotient. */
import * as tf from '@tensorflow/tfjs';

import type { Repair } from '../repair.js';

export const floorDiv: Repair = {
  gradients: {
    FloorDiv: () => ({
      inputsToSave: ['a', 'b'],
      gradient: (_dy, saved) => {
        const [a, b] = saved as [tf.Tensor, tf.Tensor];
        return { a: () => tf.zeros(a.shape), b: () => tf.zeros(b.shape) };
      },
    }),
  },
};
