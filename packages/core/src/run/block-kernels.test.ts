import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { byMagnitude } from '../test-support.js';
import { sparsify } from './sparsify.js';

/** Magnitude pruning calls no op on blocks before its choice: what is registered then, `sparsify` has registered. */
async function beginRun(): Promise<void> {
  const pruning = await sparsify({ w: tf.variable(tf.ones([4, 4])) }, byMagnitude(), {
    sparsity: 0.5,
    blockShape: [1, 1],
    totalSteps: 4,
    minimumBlocks: 1,
    optimizer: null,
  });
  pruning.abandon();
}

it.each(['cpu', 'wasm'])('a run on the %s backend brings the kernels of blocks for it', async (backend) => {
  await tf.setBackend(backend);
  for (const kernel of ['ScaleBlocks', 'BlockDot', 'SoftmaxAttention']) {
    expect(tf.getKernel(kernel, backend)).toBeUndefined();
  }
  await beginRun();
  for (const kernel of ['ScaleBlocks', 'BlockDot', 'SoftmaxAttention']) {
    expect(tf.getKernel(kernel, backend)).toBeDefined();
  }
});

it('a run on a backend that blocks has no kernels for begins as well', async () => {
  await tf.setBackend('cpu');
  const factory = tf.findBackendFactory('cpu');
  tf.registerBackend('own', factory);
  tf.copyRegisteredKernels('cpu', 'own');
  await tf.setBackend('own');
  const before = tf.getKernelsForBackend('own').length;
  await beginRun();
  expect(tf.getKernelsForBackend('own')).toHaveLength(before);
  await tf.setBackend('cpu');
  tf.removeBackend('own');
});
