/**
 * Convolutions and pools on wasm, whose stock kernels leave the memory of their results as it was where padding is `'same'` and
 * there are gaps between the windows, or where the number of windows was rounded up. The images are padded beforehand.
 */
import * as tf from '@tensorflow/tfjs';

import { LOWEST } from '../largest.js';
import { longer, missing } from '../longer-images.js';
import { composed, outcome, type Kernel, type Repair } from '../repair.js';
import { imagePool, windowsOfImages, type Windows } from '../windows.js';
import { scales } from './average-pool.js';

type Shape4 = [number, number, number, number];

const convolution =
  (depthwise: boolean) =>
  (stock: Kernel): Kernel =>
  (call) => {
    const { x, filter } = call.inputs as { x: tf.Tensor; filter: tf.Tensor };
    const { strides, dilations, pad, dimRoundingMode, dataFormat } = call.attrs;
    // The stock kernel refuses it.
    if (dataFormat === 'NCHW') return stock(call);
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as Shape4,
      filter.shape as Shape4,
      strides as [number, number],
      (dilations as [number, number] | undefined) ?? 1,
      pad as 'same' | 'valid' | number,
      dimRoundingMode as 'floor' | undefined,
      depthwise,
    );
    const windows = windowsOfImages(info);
    const gaps = info.padInfo.type === 'SAME' && hasGaps(windows);
    const rounded = dimRoundingMode === 'ceil' || dimRoundingMode === 'round';
    if (!gaps && !rounded) return stock(call);
    return composed(({ inputs, attrs, backend }) => {
      const paddings = [[0, 0], ...([1, 2] as const).map((axis) => paddingOf(windows, axis)), [0, 0]];
      const padded = tf.pad(x, paddings as [number, number][]);
      const { dimRoundingMode: _, ...rest } = attrs;
      return outcome(stock, { inputs: { ...inputs, x: padded }, attrs: { ...rest, pad: 'valid' }, backend });
    })(call);
  };

function hasGaps({ window, strides, dilations }: Windows): boolean {
  return strides.some((stride, axis) => stride > (window[axis]! - 1) * dilations[axis]! + 1);
}

/** Before, and after: as much as the last window needs. */
function paddingOf(windows: Windows, axis: 1 | 2): [number, number] {
  const { sizes, counts, window, strides, dilations, before } = windows;
  const reach = (window[axis] - 1) * dilations[axis] + 1;
  const end = (counts[axis] - 1) * strides[axis] + reach - before[axis];
  return [before[axis], Math.max(0, end - sizes[axis])];
}

/** A pool whose last windows are cut short. */
const pool =
  (filler: number, counted: boolean) =>
  (stock: Kernel): Kernel =>
  (call) => {
    const x = call.inputs['x']!;
    const windows = imagePool(x.shape, call.attrs);
    const short = missing(windows, call.attrs);
    if (!short) return stock(call);
    return composed(({ attrs, backend }) => {
      const whole = longer(x, short, filler);
      const { dimRoundingMode: _, ...rest } = attrs;
      const y = outcome(stock, { inputs: { x: whole }, attrs: rest, backend });
      if (!counted) return y;
      // The stock kernel has counted what was added too.
      const own = scales(windows, 4);
      const both = scales(imagePool(whole.shape, rest), 4);
      return tf.div(tf.mul(y, own), both);
    })(call);
  };

export const gaps: Repair = {
  kernels: {
    wasm: {
      Conv2D: convolution(false),
      FusedConv2D: convolution(false),
      DepthwiseConv2dNative: convolution(true),
      FusedDepthwiseConv2D: convolution(true),
      MaxPool: pool(LOWEST, false),
      AvgPool: pool(0, true),
    },
  },
};
