/** Where the taps of a convolution lie in its input. */
import * as tf from '@tensorflow/tfjs';

/** A convolution over images `[B, H, W, C]` as tfjs describes it: sizes, strides, dilations, padding. */
export type ConvolutionInfo = tf.backend_util.Conv2DInfo;

/** What `Im2Col` and `Col2Im` receive beside their input tensor. */
export interface PatchAttributes {
  readonly info: ConvolutionInfo;
}

type Pair = readonly [down: number, across: number];

export interface ConvolutionOptions {
  readonly strides?: number | Pair;
  /** As in `tf.conv2d`: `'valid'`, `'same'`, or rows and columns of zeros on every side. */
  readonly pad?: 'valid' | 'same' | number;
  readonly dilations?: number | Pair;
}

/**
 * Padding and strides as those of `tf.conv2d`.
 *
 * @param inputShape `[B, H, W, in]`
 * @param filterShape `[h, w, in, out]`
 * @throws Error from tfjs for shapes that do not fit
 */
export function convolutionInfo(
  inputShape: readonly [number, number, number, number],
  filterShape: readonly [number, number, number, number],
  { strides = 1, pad = 'valid', dilations = 1 }: ConvolutionOptions = {},
): ConvolutionInfo {
  return tf.backend_util.computeConv2DInfo(
    [...inputShape],
    [...filterShape],
    pair(strides),
    pair(dilations),
    typeof pad === 'number' ? explicitly(pad) : pad,
  );
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

function pair(value: number | Pair): [number, number] {
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
