/** `unstack` and `split` into one part: tfjs gives the gradient of one part by itself, and takes it for a list. */
import * as tf from '@tensorflow/tfjs';

import type { Repair } from '../repair.js';

const listOf = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor[] => [dy].flat();

export const parts: Repair = {
  gradients: {
    Unpack: () => ({
      gradient: (dy, _saved, attrs) => ({ value: () => tf.stack(listOf(dy), attrs['axis'] as number) }),
    }),
    SplitV: () => ({
      gradient: (dy, _saved, attrs) => ({ x: () => tf.concat(listOf(dy), attrs['axis'] as number) }),
    }),
  },
};
