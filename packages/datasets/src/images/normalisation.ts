/** Pixels as the numbers that a network takes: of each channel's mean and standard deviation over the training images. */
import { assertArgument, assertFields } from '../arguments.js';

/** For each channel, on the scale from 0 to 1. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export interface Normalisation {
  /** What a black pixel becomes, by channel: what images are padded with where pixels are padded with 0. */
  readonly black: readonly number[];
  /**
   * `(pixel / 255 − mean) / deviation`, channel by channel.
   *
   * @param pixels `[…, channels]`, flat
   * @param target of as many numbers
   */
  write(pixels: Uint8Array, target: Float32Array): void;
}

/** @throws RangeError or TypeError for statistics that are none */
export function normalisation(statistics: ChannelStatistics): Normalisation {
  const of = 'normalisation()';
  assertFields(statistics, ['mean', 'deviation'], `${of}: statistics`);
  const { mean, deviation } = statistics;
  const areNumbers = (value: unknown, holds: (number: number) => boolean) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((number) => Number.isFinite(number) && holds(number));
  assertArgument(areNumbers(mean, () => true), `${of}: mean`, mean, 'a finite number for each channel'); // prettier-ignore
  const fits = areNumbers(deviation, (number) => number > 0) && deviation.length === mean.length;
  assertArgument(
    fits,
    `${of}: deviation`,
    deviation,
    `a number above 0 for each of the ${mean.length} channels`,
  );
  const channels = mean.length;
  const normalised = (pixel: number, channel: number) =>
    (pixel / 255 - (mean[channel] as number)) / (deviation[channel] as number);
  // Of each pixel's value in each channel, side by side.
  const table = Float32Array.from({ length: 256 * channels }, (_, i) =>
    normalised(Math.floor(i / channels), i % channels),
  );
  return {
    black: Array.from(table.subarray(0, channels)),
    write(pixels, target) {
      for (let i = 0; i < pixels.length; i += channels) {
        for (let channel = 0; channel < channels; channel++) {
          target[i + channel] = table[(pixels[i + channel] as number) * channels + channel] as number;
        }
      }
    },
  };
}
