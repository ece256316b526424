/** Where the wasm backend has a BLAS: sparse phases and compressed models compute what masked dense products do. */
import { startBackend } from '@espalier/backend';
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { describeAccelerator, useAccelerators } from '@espalier/wasm-training/accelerators';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { compress, sparsePhases } from './index.js';
import { expectClose, randomTensor } from './test-support.js';

await startBackend('wasm');
const blas = (await useAccelerators('auto')).find(({ name }) => name === 'blas')!;
const absent = blas.library === null;
if (absent) console.warn(`Block-sparse products on a BLAS are not tested: ${describeAccelerator(blas)}`);

afterAll(() => void useAccelerators('off'));

/** Convolutions at strides of one and two, with and without an activation, then a dense layer. */
function network(): tf.Sequential {
  const same = { kernelSize: 3, padding: 'same' } as const;
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ ...same, filters: 32, activation: 'relu', inputShape: [12, 12, 16] }),
      tf.layers.conv2d({ ...same, filters: 48, strides: 2 }),
      tf.layers.conv2d({ ...same, filters: 32, kernelSize: 1, activation: 'relu' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 160, activation: 'relu' }),
      tf.layers.dense({ units: 3 }),
    ],
  });
  model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1).mul(0.06)));
  return model;
}

const [BATCH, STEPS] = [24, 12];
const batch = () => [randomTensor<tf.Tensor4D>([BATCH, 12, 12, 16], 1), randomTensor([BATCH, 3], 2)] as const;

async function train(isSparse: boolean) {
  const model = network();
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: 'meanSquaredError' });
  const execution = isSparse ? sparsePhases({ costs: 'always' }) : null;
  const target = { sparsity: 0.7, blockShape: [16, 16], totalSteps: STEPS, minimumBlocks: 1 } as const;
  const pruning = await sparsify(model, magnitude({ dense: 0.1 }), { ...target, sparsePhases: execution });
  const [x, y] = batch();
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    losses.push((await model.trainOnBatch(x, y)) as number);
    await pruning.step();
  }
  await pruning.finalize();
  tf.dispose([x, y]);
  return { model, losses };
}

describe.skipIf(absent)('on a BLAS', () => {
  let masked: Awaited<ReturnType<typeof train>>;
  beforeAll(async () => {
    masked = await train(false);
  });

  it('sparse phases come to the losses and weights of masked products', async () => {
    const { model, losses } = await train(true);
    losses.forEach((loss, step) => expect(Math.abs(loss / masked.losses[step]! - 1)).toBeLessThan(1e-4));
    model.getWeights().forEach((weight, i) => expectClose(weight, masked.model.getWeights()[i]!));
  });

  it('a compressed model predicts what the dense one does, for many examples and for one', async () => {
    const small = await compress(masked.model, { blockShape: [16, 16] });
    const [x] = batch();
    for (const examples of [x, x.slice(0, 1)]) {
      tf.tidy(() =>
        expectClose(small.predict(examples) as tf.Tensor, masked.model.predict(examples) as tf.Tensor),
      );
    }
  });
});
