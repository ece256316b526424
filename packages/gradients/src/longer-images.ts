/**
 * Pools over images whose last windows reach beyond the padding, which is so where their number is rounded up: `dimRoundingMode`
 * `'ceil'` or `'round'`. They are the pools of longer images, whose windows are all whole.
 */
import * as tf from '@tensorflow/tfjs';

import { outcome, type Attributes, type Kernel, type KernelCall } from './repair.js';
import { imagePoolOf, type Windows } from './windows.js';

/** By how many rows and columns the last windows reach beyond image and padding; null where they do not. */
export function missing({ sizes, counts, window, strides, before }: Windows, attrs: Attributes) {
  if (typeof attrs['pad'] !== 'number') return null;
  const [rows, columns] = ([1, 2] as const).map((axis) =>
    Math.max(0, (counts[axis] - 1) * strides[axis] + window[axis] - sizes[axis] - 2 * before[axis]),
  ) as [number, number];
  return rows > 0 || columns > 0 ? { rows, columns } : null;
}

type Missing = NonNullable<ReturnType<typeof missing>>;

/** Images with rows and columns of `filler` after their own. */
export function longer(images: tf.Tensor, { rows, columns }: Missing, filler: number): tf.Tensor {
  const paddings: [number, number][] = [
    [0, 0],
    [0, rows],
    [0, columns],
    [0, 0],
  ];
  return tf.pad(images, paddings, filler);
}

/** A kernel of a pool's gradient, which may be called for more windows than it would count itself. */
export const gradientOverLonger =
  (stock: Kernel, filler: number): Kernel =>
  (call: KernelCall) => {
    const { dy, input } = call.inputs as { dy: tf.Tensor; input: tf.Tensor };
    const short = missing(imagePoolOf(input.shape, call.attrs, dy.shape), call.attrs);
    if (!short) return stock(call);
    return tf.tidy(() => {
      const inputs = { ...call.inputs, input: longer(input, short, filler) };
      const { dimRoundingMode: _, ...attrs } = call.attrs;
      const whole = outcome(stock, { ...call, inputs, attrs });
      return tf.slice(whole, [0, 0, 0, 0], input.shape);
    });
  };
