import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startBackend } from '@espalier/backend';
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { CHROMIUM, IN_CHROMIUM, postedBy, tfjsWasmFolder } from '../../../../tools/in-chromium.js';
import { compress } from '../index.js';
import { expectClose, loaded, randomTensor, saved } from '../test-support.js';
import { DATA, mnist } from './mnist.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

interface PageResult {
  predictions: Record<string, number[]>;
  error?: string;
}

interface Images {
  images: tf.Tensor2D;
  labels: tf.Tensor2D;
}

/** A network for MNIST, pruned to 80% of its blocks while it trains, and compressed. */
async function prunedNetwork({ images, labels }: Images): Promise<tf.LayersModel> {
  const { dense, conv2d, reshape, flatten } = tf.layers;
  const model = tf.sequential({
    layers: [
      reshape({ targetShape: [28, 28, 1], inputShape: [784] }),
      conv2d({ filters: 16, kernelSize: 5, strides: 2, activation: 'relu' }),
      flatten(),
      dense({ units: 64, activation: 'relu' }),
      dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({
    optimizer: tf.train.momentum(0.05, 0.9),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy'],
  });
  const [epochs, batchSize] = [8, 50];
  const totalSteps = (epochs * images.shape[0]) / batchSize;
  const target = { sparsity: 0.8, blockShape: [5, 4], totalSteps, minimumBlocks: 20 } as const;
  const pruning = await sparsify(model, magnitude(), target);
  await model.fit(images, labels, { epochs, batchSize, verbose: 0, callbacks: pruning.callback() });
  return compress(model, await pruning.finalize());
}

describe.skipIf(!CHROMIUM)(IN_CHROMIUM, () => {
  let folder: string;
  beforeAll(async () => {
    await startBackend('wasm');
    folder = await mkdtemp(join(tmpdir(), 'espalier-model-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Checks that a model that Node saves predicts the same when it is loaded, here and in a page. */
  async function expectSameInPage(
    model: tf.LayersModel,
    images: tf.Tensor2D,
    gpu: 'none' | 'software' = 'none',
  ): Promise<Record<string, number[]>> {
    expect(model.layers.map((layer) => layer.getClassName())).toContain('BlockSparseConv2D');
    const expected = model.predict(images) as tf.Tensor;
    const { modelJson, weights } = await saved(model);
    await writeFile(join(folder, 'model.json'), modelJson);
    await writeFile(join(folder, 'weights.bin'), weights);
    await writeFile(join(folder, 'images.json'), JSON.stringify(images.arraySync()));
    const again = await loaded({ modelJson, weights: await readFile(join(folder, 'weights.bin')) });
    expectClose(again.predict(images) as tf.Tensor, expected, 1e-5);

    const folders = { '/tfjs-wasm': tfjsWasmFolder(), '/model': folder };
    const { predictions, error } = await postedBy<PageResult>({ root: PACKAGE, folders, gpu });
    expect(error).toBeUndefined();
    for (const backend of ['wasm', 'cpu', ...(predictions['webgpu'] ? ['webgpu'] : [])]) {
      expectClose(tf.tensor(predictions[backend]!, expected.shape), expected, 1e-5);
    }
    return predictions;
  }

  it('a compressed model that Node saved predicts the same', { timeout: 180_000 }, async ({ skip }) => {
    const images = randomTensor([50, 784], 1);
    const labels = tf
      .oneHot(tf.range(0, 50, 1, 'int32').mod(tf.scalar(10, 'int32')), 10)
      .toFloat() as tf.Tensor2D;
    const predictions = await expectSameInPage(await prunedNetwork({ images, labels }), images, 'software');
    // All else was held to above.
    skip(
      !predictions['webgpu'],
      'this Chromium has no WebGPU of software: its loader of Vulkan may be missing',
    );
  });

  it.skipIf(!DATA)('and so does one that was trained on MNIST', { timeout: 180_000 }, async () => {
    const { images, labels } = await mnist(3000);
    const model = await prunedNetwork({ images, labels });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const [, accuracy] = model.evaluate(images, labels) as tf.Scalar[];
    expect(accuracy!.dataSync()[0]).toBeGreaterThan(0.7);
    await expectSameInPage(model, images.slice([0, 0], [100, 784]));
  });
});
