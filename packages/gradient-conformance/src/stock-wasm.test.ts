/** The wasm backend as it comes, with the repairs and without the kernels of `@espalier/wasm-training`. */
import '@tensorflow/tfjs-backend-wasm';

import { repairGradients } from '@espalier/gradients';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe } from 'vitest';

import { ALWAYS_REFUSED } from './refusals.js';
import { declareSweep } from './sweep.js';

const NO_KERNEL =
  /import '@espalier\/wasm-training'|not registered for backend 'wasm'|dilation rates greater than 1/;

describe("on tfjs' own wasm, gradients are right or there are none", () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
    repairGradients();
  });
  declareSweep({
    backend: 'wasm',
    samples: 4,
    refusals: {
      ...ALWAYS_REFUSED,
      conv2d: new RegExp(`${NO_KERNEL.source}|does not support dataFormat:'channelsFirst'`),
      conv1d: NO_KERNEL,
      conv2dTranspose: NO_KERNEL,
      depthwiseConv2d: NO_KERNEL,
      separableConv2d: NO_KERNEL,
      fusedConv2d: NO_KERNEL,
      fusedDepthwiseConv2d: NO_KERNEL,
      gather: NO_KERNEL,
      unsortedSegmentSum: NO_KERNEL,
      // Its ops divide by the size of what has none.
      mod: /divide by zero/,
    },
  });
});
