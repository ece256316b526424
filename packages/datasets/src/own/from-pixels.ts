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
 * Normalised channel by channel, by mean and deviation of the training images; a channel that is constant there becomes 0.
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
  normalisation(statisticsOf(pixels, size, channels, train)).write(pixels, values);
  return fromArrays({ inputs: { values, shape: [...shape], type: 'float32' }, labels, ...split });
}

/** @param train the images that tell */
function statisticsOf(
  pixels: Uint8Array,
  size: number,
  channels: number,
  train: Int32Array,
): ChannelStatistics {
  const sums = new Float64Array(channels);
  const squares = new Float64Array(channels);
  for (const image of train) {
    for (let i = 0; i < size; i++) {
      const value = pixels[image * size + i]! / 255;
      sums[i % channels]! += value;
      squares[i % channels]! += value * value;
    }
  }
  const each = (train.length * size) / channels;
  const mean = Array.from(sums, (sum) => sum / each);
  const variances = mean.map((own, channel) => squares[channel]! / each - own * own);
  // A step of a pixel's scale is 1/255: what varies less does not vary.
  return { mean, deviation: variances.map((variance) => (variance > 1e-9 ? Math.sqrt(variance) : 1)) };
}
