import { sparsify, type Pruner } from '@espalier/core';
import magnitude from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { kernelViews } from './kernel-views.js';

/** As in l1-masks, what multiplies the blocks is a variable itself. */
const scaled: Pruner = {
  ...magnitude(),
  parameterisation: {
    name: 'scalar masks',
    zeroIsStuck: true,
    trainables: ({ grid }) => ({ masks: tf.ones([...grid.gridShape]) }),
    blockScale: (_raw, { masks }) => masks as tf.Tensor2D,
  },
};

it('leaves training as it is, whatever is done to what is shown', async () => {
  await tf.setBackend('cpu');
  const w = tf.variable(tf.ones([2, 2]));
  const target = { sparsity: 0.5, blockShape: [1, 1], minimumBlocks: 4, totalSteps: 10 } as const;
  const pruning = await sparsify({ w }, scaled, { ...target, optimizer: null });
  const tensors = tf.memory().numTensors;
  const [view] = await kernelViews(pruning.kernels);
  view!.factors!.fill(7);
  view!.mask.fill(0);
  const [again] = await kernelViews(pruning.kernels);
  expect([...again!.factors!, ...again!.mask]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  expect(tf.memory().numTensors).toBe(tensors);
  pruning.abandon();
  w.dispose();
});
