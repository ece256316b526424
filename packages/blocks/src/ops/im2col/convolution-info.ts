/** Where the taps of a convolution lie in its input. */
import * as tf from '@tensorflow/tfjs';

import { describeValue } from '../../describe-value.js';
import { assertKnownOptions } from '../../known-options.js';

/** A convolution over images `[B, H, W, C]` as tfjs describes it: sizes, strides, dilations, padding. */
export type ConvolutionInfo = tf.backend_util.Conv2DInfo;

/** What `Im2Col` and `Col2Im` receive beside their input tensor. */
export interface PatchAttributes {
  readonly info: ConvolutionInfo;
}

export interface ConvolutionOptions {
  readonly strides?: number | readonly [down: number, across: number];
  /** As in `tf.conv2d`: `'valid'`, `'same'`, or rows and columns of zeros on every side. */
  readonly pad?: 'valid' | 'same' | number;
  readonly dilations?: number | readonly [down: number, across: number];
}

/**
 * Padding and strides as those of `tf.conv2d`.
 *
 * @param inputShape `[B, H, W, in]`
 * @param filterShape `[h, w, in, out]`
 * @throws TypeError for arguments of other types and options that there are not; Error from tfjs for shapes that do not fit, RangeError for those of which there is no result
 */
export function convolutionInfo(
  inputShape: readonly [number, number, number, number],
  filterShape: readonly [number, number, number, number],
  options: ConvolutionOptions = {},
): ConvolutionInfo {
  assertShape4(inputShape, 'inputShape');
  assertShape4(filterShape, 'filterShape');
  assertKnownOptions(options, ['strides', 'pad', 'dilations'], 'convolutionInfo()');
  const { strides = 1, pad = 'valid', dilations = 1 } = options;
  assertSteps(strides, 'strides');
  assertSteps(dilations, 'dilations');
  if (pad !== 'valid' && pad !== 'same' && !isFrom(pad, 0)) {
    throw new TypeError(
      `pad is ${describeValue(pad)}, and is to be 'valid', 'same', or how many zeros there are on every side`,
    );
  }
  const info = tf.backend_util.computeConv2DInfo(
    [...inputShape],
    [...filterShape],
    pair(strides),
    pair(dilations),
    typeof pad === 'number' ? explicitly(pad) : pad,
  );
  assertConvolution(info, 'convolutionInfo()');
  return info;
}

/** A place of the image is counted in 32 bits, one beyond it too. */
const MOST_PLACES = 2 ** 30;

/**
 * That a convolution is one: its sizes are whole numbers that belong to one another, and every place of the filter is
 * counted in 32 bits, so that whoever stays within the image that it tells of reads nothing else.
 *
 * @param of whose attribute it is, for the error
 * @throws TypeError for what is no `Conv2DInfo` of channels-last images, RangeError for sizes that contradict one another
 */
export function assertConvolution(info: ConvolutionInfo, of: string): void {
  const shapes = [info?.inShape, info?.outShape, info?.filterShape];
  if (!shapes.every((shape) => shape?.length === 4) || info.dataFormat !== 'channelsLast' || !info.padInfo) {
    throw new TypeError(
      `${of}: the attribute 'info' must be a Conv2DInfo of channels-last images, as convolutionInfo makes one, got ${describeValue(info)}`,
    );
  }
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth } = info;
  const { top, bottom, left, right } = info.padInfo;
  const counts = [batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels];
  const steps = [filterHeight, filterWidth, strideHeight, strideWidth, dilationHeight, dilationWidth];
  const belong =
    same(info.inShape, [batchSize, inHeight, inWidth, inChannels]) &&
    same(info.outShape, [batchSize, outHeight, outWidth, outChannels]) &&
    same(info.filterShape.slice(0, 3), [filterHeight, filterWidth, inChannels]);
  const counted =
    counts.every((count) => isFrom(count, 0)) &&
    steps.every((step) => isFrom(step, 1)) &&
    [top, bottom, left, right].every((zeros) => isFrom(Math.abs(zeros), 0)) &&
    reachAlong(outHeight, strideHeight, filterHeight, dilationHeight) + Math.abs(top) < MOST_PLACES &&
    reachAlong(outWidth, strideWidth, filterWidth, dilationWidth) + Math.abs(left) < MOST_PLACES;
  if (belong && counted) return;
  throw new RangeError(
    `${of}: the sizes of the convolution contradict one another: images [${info.inShape.join(', ')}], ` +
      `filter [${info.filterShape.join(', ')}], strides [${strideHeight}, ${strideWidth}], dilations ` +
      `[${dilationHeight}, ${dilationWidth}], zeros [${[top, bottom, left, right].join(', ')}], result [${info.outShape.join(', ')}]`,
  );
}

/** The last place that a filter sees along an axis, and so the largest number that is made of its sizes. */
function reachAlong(out: number, stride: number, filter: number, dilation: number): number {
  return Math.max(0, out - 1) * stride + filter * dilation;
}

function isFrom(value: unknown, least: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= MOST_PLACES;
}

function same(shape: readonly number[], sizes: readonly number[]): boolean {
  return sizes.every((size, axis) => shape[axis] === size);
}

/** `[B · OH · OW, h · w · C]`: a row for each place of the filter, tap by tap, the channels of each. */
export function patchesShape(info: ConvolutionInfo): [number, number] {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels } = info;
  return [batchSize * outHeight * outWidth, filterHeight * filterWidth * inChannels];
}

/** Whether the patches are the image itself, pixel by pixel. */
export function isPointwise(info: ConvolutionInfo): boolean {
  const { top, bottom, left, right } = info.padInfo;
  const sizes = [info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth];
  return sizes.every((size) => size === 1) && [top, bottom, left, right].every((zeros) => zeros === 0);
}

/** @throws TypeError for what is not four lengths */
export function assertShape4(shape: readonly number[], name: string): void {
  if (Array.isArray(shape) && shape.length === 4 && shape.every((length) => isFrom(length, 0))) return;
  throw new TypeError(`${name} is ${describeValue(shape)}, not four whole numbers from 0 on`);
}

function assertSteps(steps: number | readonly [down: number, across: number], name: string): void {
  const both = [steps].flat();
  if (both.length <= 2 && both.length > 0 && both.every((step) => isFrom(step, 1))) return;
  throw new TypeError(`${name} is ${describeValue(steps)}, not one or two whole numbers of at least 1`);
}

function pair(value: number | readonly [down: number, across: number]): [number, number] {
  return typeof value === 'number' ? [value, value] : [...value];
}

/** Side by side: a bare number makes tfjs (4.22) size both axes of the output by the first. */
function explicitly(pad: number): [[number, number], [number, number], [number, number], [number, number]] {
  return [
    [0, 0],
    [pad, pad],
    [pad, pad],
    [0, 0],
  ];
}
