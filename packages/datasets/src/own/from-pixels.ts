/** A data set of one's own, from images in memory: in a page, those that were chosen by hand. */
import { assertArgument, assertFields, isWhole } from '../arguments.js';
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';
import { normalisation, type ChannelStatistics } from '../images/normalisation.js';
import { fromArrays, splitOf, type OwnSplit } from './from-arrays.js';

export interface PixelsSettings extends OwnSplit {
  /** `[images, height, width, channels]`, flat, from 0 to 255. */
  readonly pixels: Uint8Array;
  /** Height, width and channels of each. */
  readonly shape: readonly [number, number, number];
  /** Their classes, by name or by index from 0. */
  readonly labels: readonly string[] | ArrayLike<number>;
}

/**
 * Normalised channel by channel, by mean and deviation of the training images. A channel that is constant there becomes 0
 * in every image: nothing can be learned from it.
 *
 * @throws TypeError or RangeError for a setting that is not what it is to be
 * @throws DataError where pixels are not those of so many images, and what `fromArrays` refuses
 */
export function fromPixels(settings: PixelsSettings): DataSet {
  const of = 'fromPixels()';
  assertFields(settings, ['pixels', 'shape', 'labels', 'testShare', 'seed'], `${of}: settings`);
  const { pixels, shape, labels, ...split } = settings;
  assertArgument(pixels instanceof Uint8Array, `${of}: pixels`, pixels, 'a Uint8Array');
  const isShape = Array.isArray(shape) && shape.length === 3 && shape.every((length) => isWhole(length, 1));
  assertArgument(isShape, `${of}: shape`, shape, 'height, width and channels, such as [32, 32, 3]');
  const [height, width, channels] = shape;
  const size = height * width * channels;
  const count = labels.length;
  if (pixels.length !== count * size) {
    throw new DataError(
      `${of}: ${pixels.length} pixels are not those of ${count} images of the shape [${shape.join(', ')}]: give a label for each image`,
    );
  }
  const { train } = splitOf(count, split, of);
  const values = new Float32Array(pixels.length);
  const { varies, ...statistics } = statisticsOf(pixels, size, channels, train);
  normalisation(statistics).write(pixels, values);
  varies.forEach((does, channel) => {
    for (let i = channel; !does && i < values.length; i += channels) values[i] = 0;
  });
  return fromArrays({ inputs: { values, shape: [...shape], type: 'float32' }, labels, ...split });
}

/**
 * @param train the images that tell
 * @returns with the deviation 1 where a channel is constant
 */
function statisticsOf(
  pixels: Uint8Array,
  size: number,
  channels: number,
  train: Int32Array,
): ChannelStatistics & { readonly varies: readonly boolean[] } {
  // Whole numbers: exact below 2^53.
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  const first = pixels.subarray(train[0]! * size, train[0]! * size + channels);
  const varies = Array.from(first, () => false);
  for (const image of train) {
    for (let i = 0; i < size; i++) {
      const value = pixels[image * size + i]!;
      const channel = i % channels;
      sums[channel]! += value;
      squares[channel]! += value * value;
      if (value !== first[channel]) varies[channel] = true;
    }
  }
  const each = (train.length * size) / channels;
  const means = Array.from(sums, (sum) => sum / each);
  const deviationOf = (mean: number, channel: number) =>
    varies[channel] ? Math.sqrt(squares[channel]! / each - mean * mean) / 255 : 1;
  return { mean: means.map((mean) => mean / 255), deviation: means.map(deviationOf), varies };
}
