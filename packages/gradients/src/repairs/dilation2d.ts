/** `dilation2d` on wasm: the stock kernels begin at the smallest positive number, and add to memory that is not cleared. */
import * as tf from '@tensorflow/tfjs';

import { arrayKernel, assertShape, type Values } from '../arrays.js';
import { largestGradients, largestValues } from '../largest.js';
import type { Attributes, Repair } from '../repair.js';
import { windowsOfImages } from '../windows.js';

function geometry(x: Values, filter: Values, attrs: Attributes) {
  assertShape('x of dilation2d', x, [null, null, null, null]);
  assertShape('the filter of dilation2d', filter, [null, null, x.shape[3]!]);
  const info = tf.backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    attrs['strides'] as number,
    attrs['pad'] as 'same' | 'valid',
    'NHWC',
    attrs['dilations'] as number,
  );
  return { windows: windowsOfImages(info), outShape: info.outShape };
}

const forward = arrayKernel((inputs, attrs) => {
  const { x, filter } = inputs as { x: Values; filter: Values };
  const { windows, outShape } = geometry(x, filter, attrs);
  return largestValues(x, filter.values, windows, outShape);
});

const gradient = (by: 'byInput' | 'byWindow') =>
  arrayKernel((inputs, attrs) => {
    const { x, filter, dy } = inputs as { x: Values; filter: Values; dy: Values };
    const { windows, outShape } = geometry(x, filter, attrs);
    assertShape('what flows into dilation2d', dy, outShape);
    const values = largestGradients(x, filter.values, windows, dy.values)[by];
    return { shape: by === 'byInput' ? x.shape : filter.shape, values };
  });

export const dilation2d: Repair = {
  kernels: {
    wasm: {
      Dilation2D: () => forward,
      Dilation2DBackpropInput: () => gradient('byInput'),
      Dilation2DBackpropFilter: () => gradient('byWindow'),
    },
  },
};
