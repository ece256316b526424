import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { convolutionInfo, type ConvolutionOptions } from './convolution-info.js';
import { col2im, im2col } from './index.js';

export interface Convolution {
  readonly inputShape: [batch: number, height: number, width: number, channels: number];
  readonly filterShape: [height: number, width: number, channels: number, filters: number];
  readonly options: {
    readonly strides: [number, number];
    readonly dilations: [number, number];
    readonly pad: NonNullable<ConvolutionOptions['pad']>;
  };
}

type Pair = [number, number];

/** Convolutions of all geometries that tfjs takes, over small images; also over none. */
export const convolutions: fc.Arbitrary<Convolution> = fc
  .record({
    batch: fc.constantFrom(0, 1, 2),
    size: fc.tuple(fc.integer({ min: 5, max: 9 }), fc.integer({ min: 5, max: 9 })),
    channels: fc.constantFrom(1, 3, 4),
    filters: fc.constantFrom(4, 6),
    filter: fc.constantFrom<Pair>([1, 1], [3, 3], [2, 3], [5, 5], [1, 4]),
    strides: fc.constantFrom<Pair>([1, 1], [2, 2], [1, 3], [3, 2]),
    dilations: fc.constantFrom<Pair>([1, 1], [2, 1]),
    pad: fc.constantFrom('same' as const, 'valid' as const, 1),
  })
  .filter(
    // tfjs takes strides or dilations, not both, and a filter that fits.
    ({ strides, dilations, filter, channels, size }) =>
      (strides.every((stride) => stride === 1) || dilations.every((dilation) => dilation === 1)) &&
      filter[0] * filter[1] * channels > 1 &&
      (filter[0] - 1) * dilations[0] < size[0],
  )
  .map(({ batch, size, channels, filters, filter, ...options }) => ({
    inputShape: [batch, ...size, channels],
    filterShape: [...filter, channels, filters],
    options,
  }));

/** Length of the output and zeros before the input, along one axis, by the rules of TensorFlow. */
function along({ inputShape, filterShape, options }: Convolution, axis: 0 | 1) {
  const { pad } = options;
  const [length, stride] = [inputShape[axis + 1]!, options.strides[axis]];
  const extent = (filterShape[axis]! - 1) * options.dilations[axis] + 1;
  if (pad === 'same') {
    const out = Math.ceil(length / stride);
    return { out, before: Math.floor(Math.max(0, (out - 1) * stride + extent - length) / 2) };
  }
  const before = pad === 'valid' ? 0 : pad;
  return { out: Math.floor((length + 2 * before - extent) / stride) + 1, before };
}

/** `[B, OH, OW]` */
export function placesShape(convolution: Convolution): [number, number, number] {
  return [convolution.inputShape[0], along(convolution, 0).out, along(convolution, 1).out];
}

/** How many numbers of the image a place of the filter sees. */
export function tapsOf({ filterShape: [h, w, channels] }: Convolution): number {
  return h * w * channels;
}

/** Visits what each place of the filter sees of the image: the place, the row of the kernel's matrix, the number. */
export function eachTap(
  convolution: Convolution,
  visit: (place: number, tap: number, inImage: number) => void,
): void {
  const { inputShape, filterShape, options } = convolution;
  const [batch, height, width, channels] = inputShape;
  const [down, across] = [along(convolution, 0), along(convolution, 1)];
  for (let place = 0; place < batch * down.out * across.out; place++) {
    const b = Math.floor(place / (down.out * across.out));
    const top = (Math.floor(place / across.out) % down.out) * options.strides[0] - down.before;
    const left = (place % across.out) * options.strides[1] - across.before;
    for (let tap = 0; tap < tapsOf(convolution); tap++) {
      const c = tap % channels;
      const j = Math.floor(tap / channels) % filterShape[1];
      const i = Math.floor(tap / channels / filterShape[1]);
      const [y, x] = [top + i * options.dilations[0], left + j * options.dilations[1]];
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      visit(place, tap, ((b * height + y) * width + x) * channels + c);
    }
  }
}

const patchesShape = (own: Convolution) => [placesShape(own).reduce((a, b) => a * b), tapsOf(own)];
const infoOf = ({ inputShape, filterShape, options }: Convolution) =>
  convolutionInfo(inputShape, filterShape, options);

export const cases: OpCase[] = [
  opCase<Convolution>({
    name: 'im2col',
    settings: convolutions,
    shapes: ({ inputShape }) => ({ x: inputShape }),
    resultShape: patchesShape,
    run: ({ x }, own) => im2col(x as tf.Tensor4D, infoOf(own)),
    define: (own) =>
      sumOfProducts(patchesShape(own)[0]! * tapsOf(own), (visit) =>
        eachTap(own, (place, tap, inImage) => visit(place * tapsOf(own) + tap, inImage)),
      ),
  }),
  opCase<Convolution>({
    name: 'col2im',
    settings: convolutions,
    shapes: (own) => ({ patches: patchesShape(own) }),
    resultShape: ({ inputShape }) => inputShape,
    run: ({ patches }, own) => col2im(patches as tf.Tensor2D, infoOf(own)),
    define: (own) =>
      sumOfProducts(
        own.inputShape.reduce((a, b) => a * b),
        (visit) => eachTap(own, (place, tap, inImage) => visit(inImage, place * tapsOf(own) + tap)),
      ),
  }),
];
