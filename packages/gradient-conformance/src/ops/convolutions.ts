/** Convolutions: over sequences, images and volumes, depthwise, transposed, and fused with bias and activation. */
import * as tf from '@tensorflow/tfjs';

import type { Random } from '../random.js';
import { sizeOf, swept, within, type Input, type SweptOp } from '../swept-op.js';
import { ACTIVATIONS } from './products.js';
import { imageShape, perhapsOne, roundingOf, tuple2, tuple3, windows, type Pad2 } from './windows.js';

/** An image or several, and a filter for them. */
function convolution(random: Random, depthwise: boolean, formats: readonly ('NHWC' | 'NCHW')[]) {
  const { sizes, window, strides, dilations, pad, dimRoundingMode } = windows(random, {
    axes: 2,
    dilated: true,
    rounding: true,
    pads: ['number', 'pairs'],
  });
  const dataFormat = random.pick(formats);
  const channels = random.integer(1, 3);
  const filter = [...window, channels, random.integer(1, depthwise ? 2 : 3)];
  const paddings = Array.isArray(pad) && dataFormat === 'NCHW' ? [pad[0]!, pad[3]!, pad[1]!, pad[2]!] : pad;
  return {
    inputs: [
      within(random, imageShape(random.integer(1, 3), sizes, channels, dataFormat)),
      within(random, filter),
    ] as [Input, Input],
    attributes: {
      strides: perhapsOne(random, strides),
      // As the layer of depthwise convolutions has it.
      dilations:
        depthwise && dilations.every((rate) => rate === 1) && random.chance(0.3)
          ? null
          : perhapsOne(random, dilations),
      ...{ pad: paddings, dataFormat, dimRoundingMode },
    },
  };
}

/** The layer's null too: its type is not that of the op. */
const dilationsOf = ({ dilations }: { dilations: number | number[] | null }) => dilations as [number, number];

export const convolutions: readonly SweptOp[] = [
  swept({
    name: 'conv2d',
    known: 'by basis vectors',
    sample: (random) => convolution(random, false, ['NHWC', 'NHWC', 'NCHW']),
    compute: ([x, filter]: [tf.Tensor4D, tf.Tensor4D], a) =>
      tf.conv2d(
        x,
        filter,
        tuple2(a.strides),
        a.pad as Pad2,
        a.dataFormat,
        dilationsOf(a),
        roundingOf(a.dimRoundingMode),
      ),
  }),
  swept({
    name: 'depthwiseConv2d',
    known: 'by basis vectors',
    sample: (random) => convolution(random, true, ['NHWC']),
    compute: ([x, filter]: [tf.Tensor4D, tf.Tensor4D], a) =>
      tf.depthwiseConv2d(
        x,
        filter,
        tuple2(a.strides),
        a.pad as 'same',
        'NHWC',
        dilationsOf(a),
        roundingOf(a.dimRoundingMode),
      ),
  }),
  ...(['fusedConv2d', 'fusedDepthwiseConv2d'] as const).map((name) =>
    swept({
      name,
      known: 'by differences beside kinks',
      sample: (random) => {
        const depthwise = name === 'fusedDepthwiseConv2d';
        const { inputs, attributes } = convolution(random, depthwise, ['NHWC']);
        const [, , channels, out] = inputs[1].shape as [number, number, number, number];
        const filters = depthwise ? channels * out : out;
        const activation = random.pick(ACTIVATIONS);
        const bias = within(random, random.pick([[filters], [filters], [1]]));
        const withBias = activation === 'prelu' || random.chance(0.7);
        const weights = activation === 'prelu' ? [within(random, [filters], 0.1, 0.5)] : [];
        return {
          inputs: [...inputs, ...(withBias ? [bias] : []), ...weights],
          attributes: { ...attributes, activation },
        };
      },
      compute: ([x, filter, bias, preluActivationWeights]: tf.Tensor[], a) =>
        (name === 'fusedConv2d' ? tf.fused.conv2d : tf.fused.depthwiseConv2d)({
          x: x as tf.Tensor4D,
          filter: filter as tf.Tensor4D,
          strides: tuple2(a.strides),
          pad: a.pad as 'same',
          dilations: dilationsOf(a),
          activation: a.activation,
          ...(a.dimRoundingMode && { dimRoundingMode: a.dimRoundingMode }),
          ...(bias && { bias }),
          ...(preluActivationWeights && { preluActivationWeights }),
          ...(a.activation === 'leakyrelu' && { leakyreluAlpha: 0.2 }),
        }),
    }),
  ),
  swept({
    name: 'separableConv2d',
    known: 'by basis vectors',
    sample: (random) => {
      const { inputs, attributes } = convolution(random, true, ['NHWC']);
      const filter = inputs[1].shape;
      const pointwise = within(random, [1, 1, filter[2]! * filter[3]!, random.integer(1, 2)]);
      const { strides, dilations } = attributes;
      return {
        inputs: [...inputs, pointwise],
        attributes: { strides, dilations, pad: random.pick(['same']) },
      };
    },
    compute: ([x, depthwise, pointwise]: [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D], a) =>
      tf.separableConv2d(x, depthwise, pointwise, tuple2(a.strides), a.pad as 'same', dilationsOf(a)),
  }),
  swept({
    name: 'conv1d',
    known: 'by basis vectors',
    sample: (random) => {
      const { sizes, window, strides, dilations, pad } = windows(random, { axes: 1, dilated: true });
      const channels = random.integer(1, 3);
      return {
        inputs: [
          within(random, [random.integer(1, 3), ...sizes, channels]),
          within(random, [...window, channels, random.integer(1, 3)]),
        ],
        attributes: { stride: strides[0]!, dilation: dilations[0]!, pad: pad as 'same' | 'valid' },
      };
    },
    compute: ([x, filter]: [tf.Tensor3D, tf.Tensor3D], { stride, dilation, pad }) =>
      tf.conv1d(x, filter, stride, pad, 'NWC', dilation),
  }),
  swept({
    name: 'conv2dTranspose',
    known: 'by basis vectors',
    sample: (random) => {
      const { sizes, window, strides, pad } = windows(random, { axes: 2, largest: 5 });
      const [channels, filters, batch] = [random.integer(1, 3), random.integer(1, 3), random.integer(1, 3)];
      // The shape of what comes out is that of what a convolution takes in.
      const outShape: [number, number, number, number] = [batch, sizes[0]!, sizes[1]!, filters];
      const filter: [number, number, number, number] = [window[0]!, window[1]!, filters, channels];
      const { outHeight, outWidth } = tf.backend_util.computeConv2DInfo(
        outShape,
        filter,
        tuple2(strides),
        1,
        pad as 'same',
      );
      return {
        inputs: [within(random, [batch, outHeight, outWidth, channels]), within(random, filter)],
        attributes: { outShape, strides: perhapsOne(random, strides), pad: pad as 'same' | 'valid' },
      };
    },
    compute: ([x, filter]: [tf.Tensor4D, tf.Tensor4D], { outShape, strides, pad }) =>
      tf.conv2dTranspose(x, filter, outShape, tuple2(strides), pad),
  }),
  swept({
    name: 'conv3d',
    known: 'by basis vectors',
    sample: (random) => {
      const { sizes, window, strides, dilations, pad } = windows(random, { axes: 3, dilated: true });
      const channels = random.integer(1, 2);
      const batch = sizeOf(sizes) > 30 ? 1 : random.integer(1, 2);
      return {
        inputs: [
          within(random, [batch, ...sizes, channels]),
          within(random, [...window, channels, random.integer(1, 2)]),
        ],
        attributes: {
          strides: perhapsOne(random, strides),
          dilations: perhapsOne(random, dilations),
          pad: pad as 'same' | 'valid',
        },
      };
    },
    compute: ([x, filter]: [tf.Tensor5D, tf.Tensor5D], { strides, dilations, pad }) =>
      tf.conv3d(x, filter, tuple3(strides), pad, 'NDHWC', tuple3(dilations)),
  }),
  swept({
    name: 'conv3dTranspose',
    known: 'by basis vectors',
    sample: (random) => {
      const { sizes, window, strides, pad } = windows(random, { axes: 3, largest: 3 });
      const [channels, filters] = [random.integer(1, 2), random.integer(1, 2)];
      const outShape = [1, ...sizes, filters] as [number, number, number, number, number];
      const filter = [...window, filters, channels] as [number, number, number, number, number];
      const info = tf.backend_util.computeConv3DInfo(outShape, filter, tuple3(strides), 1, pad as 'same');
      const { outDepth, outHeight, outWidth } = info;
      return {
        inputs: [within(random, [1, outDepth, outHeight, outWidth, channels]), within(random, filter)],
        attributes: { outShape, strides: perhapsOne(random, strides), pad: pad as 'same' | 'valid' },
      };
    },
    compute: ([x, filter]: [tf.Tensor5D, tf.Tensor5D], { outShape, strides, pad }) =>
      tf.conv3dTranspose(x, filter, outShape, tuple3(strides), pad),
  }),
];
