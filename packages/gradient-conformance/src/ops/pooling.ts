/** Pools over images and volumes, and morphological dilation. */
import * as tf from '@tensorflow/tfjs';

import { distinct, separate, swept, within, type SweptOp } from '../swept-op.js';
import { perhapsOne, roundingOf, tuple2, tuple3, windows } from './windows.js';

export const pooling: readonly SweptOp[] = [
  ...(['avgPool', 'maxPool'] as const).map((name) =>
    swept({
      name,
      known: name === 'avgPool' ? 'by basis vectors' : 'by differences beside kinks',
      sample: (random) => {
        const { sizes, window, strides, pad, dimRoundingMode } = windows(random, {
          axes: 2,
          rounding: true,
          pads: name === 'avgPool' ? ['number'] : ['number', 'pairs'],
        });
        const shape = [random.integer(1, 3), ...sizes, random.integer(1, 3)];
        const x = name === 'avgPool' ? within(random, shape) : distinct(random, shape);
        return {
          inputs: [x],
          attributes: {
            filterSize: perhapsOne(random, window),
            strides: perhapsOne(random, strides),
            pad,
            dimRoundingMode,
          },
        };
      },
      compute: ([x]: [tf.Tensor4D], { filterSize, strides, pad, dimRoundingMode }) =>
        tf[name](x, tuple2(filterSize), tuple2(strides), pad as 'same', roundingOf(dimRoundingMode)),
    }),
  ),
  ...(['avgPool3d', 'maxPool3d'] as const).map((name) =>
    swept({
      name,
      known: name === 'avgPool3d' ? 'by basis vectors' : 'by differences beside kinks',
      sample: (random) => {
        const { sizes, window, strides, pad, dimRoundingMode } = windows(random, {
          axes: 3,
          rounding: true,
          pads: ['number'],
        });
        const shape = [random.integer(1, 2), ...sizes, random.integer(1, 2)];
        const x = name === 'avgPool3d' ? within(random, shape) : distinct(random, shape);
        return {
          inputs: [x],
          attributes: {
            filterSize: perhapsOne(random, window),
            strides: perhapsOne(random, strides),
            pad: pad as number | 'same',
            dimRoundingMode,
          },
        };
      },
      compute: ([x]: [tf.Tensor5D], { filterSize, strides, pad, dimRoundingMode }) =>
        tf[name](x, tuple3(filterSize), tuple3(strides), pad, roundingOf(dimRoundingMode)),
    }),
  ),
  ...(['avg', 'max'] as const).map((type) =>
    swept({
      name: `${type}PoolDilated`,
      known: type === 'avg' ? 'by basis vectors' : 'by differences beside kinks',
      sample: (random) => {
        const { sizes, window, strides, dilations } = windows(random, { axes: 2, dilated: true });
        const fit = sizes.map((size, i) => Math.max(size, (window[i]! - 1) * dilations[i]! + 1));
        const shape = [random.integer(1, 2), ...fit, random.integer(1, 2)];
        const x = type === 'avg' ? within(random, shape) : distinct(random, shape);
        return { inputs: [x], attributes: { window, strides, dilations } };
      },
      compute: ([x]: [tf.Tensor4D], { window, strides, dilations }) =>
        tf.pool(x, tuple2(window), type, 'valid', tuple2(dilations), tuple2(strides)),
    }),
  ),
  swept({
    name: 'dilation2d',
    known: 'by differences beside kinks',
    sample: (random) => {
      const { sizes, window, strides, dilations, pad } = windows(random, { axes: 2, dilated: true });
      // A window that padding alone lies under has no largest element.
      sizes.forEach((size, axis) => (sizes[axis] = Math.max(size, dilations[axis]!)));
      const channels = random.integer(1, 2);
      const [x, filter] = separate(random, [
        [random.integer(1, 2), ...sizes, channels],
        [...window, channels],
      ]);
      // What is compared are sums of an element and one of the filter: these too are apart, by the filter's finer steps.
      const scaled = { ...filter!, values: filter!.values.map((value) => Math.fround(value * 2.37)) };
      return {
        inputs: [x!, scaled],
        attributes: {
          strides: perhapsOne(random, strides),
          dilations: perhapsOne(random, dilations),
          pad: pad as 'same' | 'valid',
        },
      };
    },
    compute: ([x, filter]: [tf.Tensor4D, tf.Tensor3D], { strides, dilations, pad }) =>
      tf.dilation2d(x, filter, tuple2(strides), pad, tuple2(dilations)),
  }),
];
