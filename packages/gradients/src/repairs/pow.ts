/** `pow`: x⁰ is 1 everywhere, and its slope 0; tfjs has 0 · x⁻¹, which at 0 is NaN. */
import * as tf from '@tensorflow/tfjs';

import { sumTo } from '../axes.js';
import type { Repair } from '../repair.js';

export const pow: Repair = {
  gradients: {
    Pow: (stock) => ({
      inputsToSave: ['a', 'b'],
      outputsToSave: [true],
      gradient: (dy, saved, attrs) => {
        const [base, exponent] = saved as [tf.Tensor, tf.Tensor];
        const byBase = () => {
          const power = tf.cast(exponent, 'float32');
          // The factor makes 0 of whatever power is not infinite.
          const lower = tf.sub(tf.where(tf.equal(power, 0), tf.onesLike(power), power), 1);
          return sumTo(tf.mul(dy, tf.mul(power, tf.pow(base, lower))), base.shape);
        };
        return { a: byBase, b: stock!(dy, saved, attrs)['b']! };
      },
    }),
  },
};
