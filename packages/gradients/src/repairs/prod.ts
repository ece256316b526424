/** `prod`: tfjs takes axes that are counted from the back, or are not in order, for others. */
import * as tf from '@tensorflow/tfjs';

import type { Repair } from '../repair.js';

export const prod: Repair = {
  gradients: {
    Prod: (stock) => ({
      inputsToSave: ['x'],
      gradient: (dy, saved, attrs) => {
        const axes = tf.util.parseAxisParam(attrs['axis'] as number[], saved[0]!.shape);
        return stock!(dy, saved, { ...attrs, axis: axes.sort((a, b) => a - b) });
      },
    }),
  },
};
