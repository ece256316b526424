/** Windows that go over images or volumes, with three axes in space: an image has a depth of one. Channels come last. */
import * as tf from '@tensorflow/tfjs';

import type { Attributes } from './repair.js';

export type Triple = readonly [number, number, number];

export interface Windows {
  readonly batch: number;
  readonly channels: number;
  /** What the windows go over. */
  readonly sizes: Triple;
  /** How many windows there are along each axis. */
  readonly counts: Triple;
  readonly window: Triple;
  readonly strides: Triple;
  readonly dilations: Triple;
  /** How far the first window begins before the first element. */
  readonly before: Triple;
}

type Info2 = Pick<
  tf.backend_util.Conv2DInfo,
  | 'batchSize'
  | 'inChannels'
  | 'inHeight'
  | 'inWidth'
  | 'outHeight'
  | 'outWidth'
  | 'filterHeight'
  | 'filterWidth'
  | 'strideHeight'
  | 'strideWidth'
  | 'dilationHeight'
  | 'dilationWidth'
> & { readonly padInfo: { readonly top: number; readonly left: number } };

/** More places than any filter has. */
const MOST_PLACES = 2 ** 20;
const MOST_WINDOWS = 2 ** 30;

/** @throws RangeError for windows that are none */
function sound(windows: Windows): Windows {
  const { batch, channels, sizes, counts, window, strides, dilations, before } = windows;
  const whole = [batch, channels, ...sizes, ...counts, ...before.map(Math.abs)].every(isFrom(0));
  const steps = [...window, ...strides, ...dilations].every(isFrom(1));
  const held = product(window) <= MOST_PLACES && batch * channels * product(counts) <= MOST_WINDOWS;
  if (whole && steps && held) return windows;
  throw new RangeError(
    `There are no windows of ${window.join(' × ')} with strides ${strides.join(', ')}, dilated by ${dilations.join(', ')}, ` +
      `over ${batch} × ${sizes.join(' × ')} × ${channels}, ${counts.join(' × ')} of them`,
  );
}

const isFrom = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;

export function windowsOfImages(info: Info2): Windows {
  return sound({
    batch: info.batchSize,
    channels: info.inChannels,
    sizes: [1, info.inHeight, info.inWidth],
    counts: [1, info.outHeight, info.outWidth],
    window: [1, info.filterHeight, info.filterWidth],
    strides: [1, info.strideHeight, info.strideWidth],
    dilations: [1, info.dilationHeight, info.dilationWidth],
    before: [0, info.padInfo.top, info.padInfo.left],
  });
}

export function windowsOfVolumes(info: tf.backend_util.Conv3DInfo): Windows {
  return sound({
    batch: info.batchSize,
    channels: info.inChannels,
    sizes: [info.inDepth, info.inHeight, info.inWidth],
    counts: [info.outDepth, info.outHeight, info.outWidth],
    window: [info.filterDepth, info.filterHeight, info.filterWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    before: [info.padInfo.front, info.padInfo.top, info.padInfo.left],
  });
}

interface PoolAttributes {
  readonly filterSize: number;
  readonly strides: number;
  readonly pad: 'same' | 'valid' | number;
  readonly dimRoundingMode: 'floor' | 'round' | 'ceil' | undefined;
}

/** The windows of a pool over images `[batch, height, width, channels]`, as tfjs counts them. */
export function imagePool(shape: readonly number[], attrs: Attributes): Windows {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
  const images = shape as [number, number, number, number];
  return windowsOfImages(
    tf.backend_util.computePool2DInfo(images, filterSize, strides, 1, pad, dimRoundingMode),
  );
}

/**
 * The same, as many as what came out of them, `[batch, heights, widths, channels]`, has: however they were rounded.
 *
 * @throws RangeError for as many as no rounding gives
 */
export function imagePoolOf(shape: readonly number[], attrs: Attributes, out: readonly number[]): Windows {
  const windows = imagePool(shape, { ...attrs, dimRoundingMode: 'floor' });
  const { batch, channels, counts } = windows;
  const roundedUp = typeof attrs['pad'] === 'number' ? [0, 1] : [0];
  const fits =
    out.length === 4 &&
    out[0] === batch &&
    out[3] === channels &&
    ([1, 2] as const).every((axis) => roundedUp.includes(out[axis]! - counts[axis]));
  if (fits) return { ...windows, counts: [1, out[1]!, out[2]!] };
  throw new RangeError(
    `A pool over [${shape}] gives no [${out}]: it has ${counts[1]} × ${counts[2]} windows`,
  );
}

/** What tfjs knows of a pool over volumes `[batch, depth, height, width, channels]`. */
export function volumePool(shape: readonly number[], attrs: Attributes): tf.backend_util.Conv3DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
  const volumes = shape as [number, number, number, number, number];
  return tf.backend_util.computePool3DInfo(volumes, filterSize, strides, 1, pad, dimRoundingMode);
}

export const product = ([a, b, c]: Triple): number => a * b * c;

/** For each element of a window, which of `sizes` elements it lies on in the window at a place; −1 beyond the edges. */
export function elementsUnder(windows: Windows, place: Triple, into: Int32Array): Int32Array {
  const { sizes, window, strides, dilations, before } = windows;
  let tap = 0;
  for (let a = 0; a < window[0]; a++) {
    const d = place[0] * strides[0] - before[0] + a * dilations[0];
    const inDepth = d >= 0 && d < sizes[0];
    for (let b = 0; b < window[1]; b++) {
      const h = place[1] * strides[1] - before[1] + b * dilations[1];
      const inHeight = inDepth && h >= 0 && h < sizes[1];
      for (let c = 0; c < window[2]; c++) {
        const w = place[2] * strides[2] - before[2] + c * dilations[2];
        into[tap++] = inHeight && w >= 0 && w < sizes[2] ? (d * sizes[1] + h) * sizes[2] + w : -1;
      }
    }
  }
  return into;
}

/** The place of a window, of all windows one after another. */
export function placeOf(index: number, [, heights, widths]: Triple): Triple {
  const row = Math.floor(index / widths);
  return [Math.floor(row / heights), row % heights, index % widths];
}
