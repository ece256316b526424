/**
 * `conv2d` and `depthwiseConv2d`. tfjs forgets how the number of windows was rounded, and has no gradient where they are
 * dilated. A convolution dilated by d is one that is not, of the d² images that every d-th row and column makes.
 */
import * as tf from '@tensorflow/tfjs';

import { run, type Attributes, type GradientFunction, type Repair } from '../repair.js';

interface Kernels {
  readonly byInput: string;
  readonly byFilter: string;
  readonly depthwise: boolean;
}

type Shape4 = [number, number, number, number];

const gradientBy =
  ({ byInput, byFilter, depthwise }: Kernels) =>
  (stock: GradientFunction | null) => ({
    inputsToSave: ['x', 'filter'],
    gradient: ((dy, saved, attrs) => {
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      // The layer of depthwise convolutions gives none.
      const dilations = (attrs['dilations'] as number | number[] | null) ?? 1;
      const plain = (input: tf.Tensor, flow: tf.Tensor, plainAttrs: Attributes) => ({
        x: () => run(byInput, { dy: flow, filter }, { ...plainAttrs, inputShape: input.shape }),
        filter: () => run(byFilter, { x: input, dy: flow }, { ...plainAttrs, filterShape: filter.shape }),
      });
      if ([dilations].flat().every((rate) => rate === 1)) return plain(x, dy, { ...attrs, dilations });
      // tfjs' own refuses by name.
      if (attrs['dataFormat'] === 'NCHW') return stock!(dy, saved, attrs);

      const { block, paddings, rest } = blocksOf(x, filter, attrs, depthwise);
      const apart = { strides: [1, 1], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1] };
      const flow = () => tf.spaceToBatchND(dy, block, rest);
      const images = () => tf.spaceToBatchND(x, block, paddings);
      return {
        x: () => tf.batchToSpaceND(plain(images(), flow(), apart).x(), block, paddings),
        filter: () => plain(images(), flow(), apart).filter(),
      };
    }) satisfies GradientFunction,
  });

/** How the images, and what comes out of them, are taken apart: with so much padding that the blocks come out even. */
function blocksOf(
  x: tf.Tensor,
  filter: tf.Tensor,
  attrs: Attributes,
  depthwise: boolean,
): { block: number[]; paddings: number[][]; rest: number[][] } {
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as Shape4,
    filter.shape as Shape4,
    attrs['strides'] as [number, number],
    attrs['dilations'] as [number, number],
    attrs['pad'] as 'same' | 'valid' | number,
    attrs['dimRoundingMode'] as 'floor' | undefined,
    depthwise,
  );
  const { top, bottom, left, right } = info.padInfo;
  const block = [info.dilationHeight, info.dilationWidth];
  const short = (size: number, rate: number) => (rate - (size % rate)) % rate;
  const rows = short(info.inHeight + top + bottom, info.dilationHeight);
  const columns = short(info.inWidth + left + right, info.dilationWidth);
  return {
    block,
    paddings: [
      [top, bottom + rows],
      [left, right + columns],
    ],
    rest: [
      [0, rows],
      [0, columns],
    ],
  };
}

export const conv2d: Repair = {
  gradients: {
    Conv2D: gradientBy({
      byInput: 'Conv2DBackpropInput',
      byFilter: 'Conv2DBackpropFilter',
      depthwise: false,
    }),
    DepthwiseConv2dNative: gradientBy({
      byInput: 'DepthwiseConv2dNativeBackpropInput',
      byFilter: 'DepthwiseConv2dNativeBackpropFilter',
      depthwise: true,
    }),
  },
};
