/** With the kernels of prediction alone: ops of compressed models are as defined, what training adds is composed. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import './backends/predicting.js';
import { cases as convolutions } from './ops/block-sparse-conv2d/cases.js';
import { cases as products } from './ops/block-sparse-matmul/cases.js';
import { cases as gathered } from './ops/gather-blocks/cases.js';
import { cases as patches } from './ops/im2col/cases.js';
import { cases as lookUps } from './ops/look-up-rows/cases.js';
import { expectKernelsAsDefined } from './test-table.js';

describe('with the kernels of prediction alone', () => {
  it.each([
    [
      'wasm',
      ['BlockSparseMatMul', 'BlockSparseConv2D', 'LookUpRows', 'GatherBlocks', 'ScatterBlocks', 'Im2Col'],
    ],
    ['webgpu', ['BlockSparseMatMul', 'GatherBlocks', 'ScatterBlocks', 'Im2Col']],
  ])('%s has them, and none of training', (backend, predicting) => {
    for (const name of predicting) expect(tf.getKernel(name, backend), name).toBeDefined();
    for (const name of ['BlockSparseWeightGradient', 'ScaleBlocks', 'SoftmaxAttention']) {
      expect(tf.getKernel(name, backend), name).toBeFalsy();
    }
  });

  describe('on wasm, values and gradients are as defined:', () => {
    beforeAll(async () => {
      await tf.setBackend('wasm');
    });
    const rows = [...products, ...convolutions, ...gathered, ...patches, ...lookUps];
    it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
      await fc.assert(
        fc.asyncProperty(row.settings, fc.nat(1e6), (settings, seed) =>
          expectKernelsAsDefined(row, settings, seed),
        ),
        { numRuns: 20, endOnFailure: true },
      );
    });
  });
});
