/**
 * Average pools: what is averaged are the elements of the image, without its padding, but the gradient of tfjs divides by the
 * whole window. Here it is given what flows in times the window's size over the number of its elements.
 */
import * as tf from '@tensorflow/tfjs';

import { gradientOverLonger } from '../longer-images.js';
import { composed, onBackends, outcome, type Attributes, type Kernel, type Repair } from '../repair.js';
import { imagePoolOf, product, volumePool, windowsOfVolumes, type Windows } from '../windows.js';

/** The size of a window over the number of elements that it has, for each window, to multiply `[batch, …, channels]` by. */
export function scales(windows: Windows, rank: number): tf.Tensor {
  const whole = product(windows.window);
  const [depths, heights, widths] = ([0, 1, 2] as const).map((axis) => elementsAlong(windows, axis));
  const values = depths!.flatMap((d) => heights!.flatMap((h) => widths!.map((w) => whole / (d * h * w))));
  return tf.tensor(values, [1, ...windows.counts.slice(5 - rank), 1], 'float32');
}

/** How many elements of the image each window has along an axis. */
function elementsAlong({ sizes, counts, window, strides, before }: Windows, axis: 0 | 1 | 2): number[] {
  return Array.from({ length: counts[axis] }, (_, place) => {
    const begin = place * strides[axis] - before[axis];
    return Math.min(begin + window[axis], sizes[axis]) - Math.max(begin, 0);
  });
}

type WindowsOf = (input: tf.Tensor, dy: tf.Tensor, attrs: Attributes) => Windows;

const weighed = (kernel: Kernel, windowsOf: WindowsOf): Kernel =>
  composed(({ inputs, attrs, backend }) => {
    const { dy, input } = inputs as { dy: tf.Tensor; input: tf.Tensor };
    const flow = tf.mul(dy, scales(windowsOf(input, dy, attrs), dy.rank));
    return outcome(kernel, { inputs: { dy: flow, input }, attrs, backend });
  });

const images: WindowsOf = (input, dy, attrs) => imagePoolOf(input.shape, attrs, dy.shape);
const volumes: WindowsOf = (input, _dy, attrs) => windowsOfVolumes(volumePool(input.shape, attrs));

export const averagePool: Repair = {
  kernels: onBackends(['cpu', 'wasm', 'webgpu'], {
    AvgPoolGrad: (stock: Kernel) => weighed(gradientOverLonger(stock, 0), images),
    AvgPool3DGrad: (stock: Kernel) => weighed(stock, volumes),
  }),
};
