/** On WebGPU, which here is SwiftShader: a software adapter, slow and exact. */
import { BackendError, softwareAdapter, startBackend, type StartedBackend } from '@espalier/backend';
import { repairGradients } from '@espalier/gradients';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe } from 'vitest';

import { ALWAYS_REFUSED, DILATED_NCHW } from './refusals.js';
import { declareSweep } from './sweep.js';

Object.assign(process.env, softwareAdapter() ?? {});
const webgpu: StartedBackend | BackendError = await startBackend('webgpu').catch((error: unknown) => {
  if (error instanceof BackendError) return error;
  throw error;
});
const absent = webgpu instanceof BackendError;
const where = absent ? `skipped: ${webgpu.message}` : webgpu.device;

describe.skipIf(absent)(`on ${where}, gradients are right`, () => {
  beforeAll(async () => {
    repairGradients('cpu');
    await tf.setBackend('webgpu');
  });
  declareSweep({
    backend: 'webgpu',
    samples: 3,
    known: 'on cpu',
    // Sines and cosines are good to 2⁻¹¹, as WGSL has it.
    precision: 2e-3,
    // tfjs makes no buffer for a tensor without elements, and says so; or reads one that it has not made.
    takes: ({ inputs }) => !inputs.some(({ shape }) => shape.includes(0)),
    refusal: /no overload matched for createBuffer/,
    refusals: {
      ...ALWAYS_REFUSED,
      conv2d: DILATED_NCHW,
      conv3d: /gradient of conv3D: dilation rates greater than 1/,
      maxPool3d: /The gradient of maxPool3d on the webgpu backend/,
    },
    // Threads add to one element in the order in which they come.
    unordered: ['dilation2d', 'gather', 'unsortedSegmentSum'],
  });
});
