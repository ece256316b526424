/**
 * `matMul`: tfjs does not sum the gradient over batches that were broadcast, and throws. On webgpu a product over no elements
 * leaves the memory of its result as it was.
 */
import * as tf from '@tensorflow/tfjs';

import { sumTo } from '../axes.js';
import { composed, type Repair } from '../repair.js';

export const matMul: Repair = {
  gradients: {
    BatchMatMul: (stock) => ({
      inputsToSave: ['a', 'b'],
      gradient: (dy, saved, attrs) => {
        const whole = stock!(dy, saved, attrs);
        const [a, b] = saved as [tf.Tensor, tf.Tensor];
        return {
          a: () => sumTo(whole['a']!(), a.shape),
          b: () => sumTo(whole['b']!(), b.shape),
        };
      },
    }),
  },
  kernels: {
    webgpu: {
      BatchMatMul: (stock) => (call) => {
        const { a, b } = call.inputs as { a: tf.Tensor; b: tf.Tensor };
        const { transposeA, transposeB } = call.attrs;
        if (a.shape.at(transposeA ? -2 : -1) !== 0) return stock(call);
        const batches = tf.backend_util.assertAndGetBroadcastShape(
          a.shape.slice(0, -2),
          b.shape.slice(0, -2),
        );
        const [rows, columns] = [a.shape.at(transposeA ? -1 : -2)!, b.shape.at(transposeB ? -2 : -1)!];
        return composed(() => tf.zeros([...batches, rows, columns]))(call);
      },
    },
  },
};
