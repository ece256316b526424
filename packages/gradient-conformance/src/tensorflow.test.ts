/** On TensorFlow's own kernels, where `@tensorflow/tfjs-node` is installed whole. */
import { BackendError, startBackend, type StartedBackend } from '@espalier/backend';
import { describe } from 'vitest';

import { ALWAYS_REFUSED } from './refusals.js';
import { declareSweep } from './sweep.js';
import type { Sample } from './swept-op.js';

const tensorflow: StartedBackend | BackendError = await startBackend('tensorflow').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = tensorflow instanceof BackendError;
const where = absent ? `skipped: ${tensorflow.message.split(':')[0]}` : tensorflow.device;

const PADDING = /supports only 'valid' and 'same' padding|explicit_paddings attribute must contain/;
const STRIDES = /equal length strides in the row and column/;

/** TensorFlow's kernels are wrong themselves, in one version or other, where windows have gaps or are wider than the image. */
function isSound({ inputs, attributes }: Sample): boolean {
  if (attributes['strides'] === undefined) return true;
  const sizes = ((attributes['outShape'] ?? inputs[0]!.shape) as number[]).slice(1, -1);
  const each = (values: unknown) =>
    Array.isArray(values) ? (values as number[]) : sizes.map(() => values as number);
  const window = each(attributes['filterSize'] ?? attributes['window'] ?? inputs[1]?.shape);
  return each(attributes['strides']).every(
    (stride, axis) => stride <= window[axis]! && stride <= sizes[axis]!,
  );
}

describe.skipIf(absent)(`on ${where}, gradients are right`, () => {
  declareSweep({
    backend: 'tensorflow',
    samples: 8,
    takes: (sample) =>
      isSound(sample) && sample.attributes['dataFormat'] !== 'NCHW' && sample.inputs[1]?.shape.length !== 0,
    refusals: {
      ...ALWAYS_REFUSED,
      conv2d: PADDING,
      depthwiseConv2d: new RegExp(`${PADDING.source}|${STRIDES.source}`),
      fusedConv2d: new RegExp(`${PADDING.source}|${ALWAYS_REFUSED.fusedConv2d.source}`),
      fusedDepthwiseConv2d: new RegExp(
        `${PADDING.source}|${STRIDES.source}|${ALWAYS_REFUSED.fusedDepthwiseConv2d.source}`,
      ),
      conv3d: /CPU Dilation depth must be 1|gradient of conv3D: dilation rates greater than 1/,
      // Its kernel takes an axis as it is given: one counted from the last is none.
      gather: /GatherV2: the index value \d+ is not in \[0, NaN\]/,
      avgPool: PADDING,
      avgPool3d: PADDING,
      maxPool: PADDING,
      maxPool3d: new RegExp(`${PADDING.source}|The gradient of maxPool3d on the tensorflow backend`),
    },
  });
});
