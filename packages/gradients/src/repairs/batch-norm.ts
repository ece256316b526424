/**
 * `batchNorm` along another axis than the last, as the layer has it with `axis: 1`: the kernels take the statistics for those of
 * the last axis, and tfjs does not sum their gradients.
 */
import * as tf from '@tensorflow/tfjs';

import { sumTo } from '../axes.js';
import { composed, onBackends, type GradientFunction, type Kernel, type Repair } from '../repair.js';

/** Whether all statistics are one for each channel of the last axis. */
function isOfChannels(x: tf.Tensor, statistics: readonly (tf.Tensor | null | undefined)[]): boolean {
  return statistics.every((y) => !y || (y.rank === 1 && y.size === x.shape.at(-1)));
}

const along =
  (stock: Kernel): Kernel =>
  (call) => {
    const { x, mean, variance, scale, offset } = call.inputs as Record<string, tf.Tensor | undefined>;
    if (isOfChannels(x!, [mean, variance, scale, offset])) return stock(call);
    return composed(({ attrs }) => {
      const factor = tf.rsqrt(tf.add(variance!, attrs['varianceEpsilon'] as number));
      const scaled = tf.mul(tf.sub(x!, mean!), scale ? tf.mul(factor, scale) : factor);
      return offset ? tf.add(scaled, offset) : scaled;
    })(call);
  };

/** With r = 1 / √(variance + ε): by mean −r · scale · dy, by variance −r³/2 · scale · dy (x − mean), summed. */
const gradient =
  (stock: GradientFunction): GradientFunction =>
  (dy, saved, attrs) => {
    const [x, mean, variance, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
    if (isOfChannels(x, [mean, variance, scale])) return stock(dy, saved, attrs);
    const r = tf.rsqrt(tf.add(variance, attrs['varianceEpsilon'] as number));
    const flow = scale ? tf.mul(dy, scale) : dy;
    const centred = tf.sub(x, mean);
    return {
      x: () => tf.mul(flow, r),
      mean: () => tf.neg(sumTo(tf.mul(flow, r), mean.shape)),
      variance: () => sumTo(tf.mul(tf.mul(flow, centred), tf.mul(-0.5, tf.pow(r, 3))), variance.shape),
      scale: () => sumTo(tf.mul(dy, tf.mul(centred, r)), mean.shape),
      offset: () => sumTo(dy, mean.shape),
    };
  };

export const batchNorm: Repair = {
  gradients: {
    FusedBatchNorm: (stock) => ({
      inputsToSave: ['x', 'mean', 'variance', 'scale'],
      gradient: gradient(stock!),
    }),
  },
  kernels: onBackends(['cpu', 'wasm', 'webgpu', 'tensorflow'], { FusedBatchNorm: along }),
};
