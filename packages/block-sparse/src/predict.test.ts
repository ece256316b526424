/** What a page takes that predicts alone. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import './predict.js';

it('loads and predicts with a compressed model by the kernel of products, and can train on', async () => {
  await tf.setBackend('wasm');
  expect(tf.getKernel('BlockSparseMatMul', 'wasm')).toBeDefined();
  expect(tf.getKernel('BlockSparseWeightGradient', 'wasm')).toBeFalsy();
  // Compressing takes another import, which registers nothing.
  const { compress } = await import('./compress.js');
  const dense = tf.sequential({
    layers: [
      tf.layers.dense({ units: 16, inputShape: [32], activation: 'relu' }),
      tf.layers.dense({ units: 8 }),
    ],
  });
  const kernel = tf.tidy(() => {
    const keeps = tf.tensor2d([1, 0, 0, 1, 0, 0, 1, 0], [4, 2]).reshape([4, 1, 2, 1]).tile([1, 8, 1, 8]);
    return tf.randomNormal([32, 16], 0, 1, 'float32', 1).mul(keeps.reshape([32, 16]));
  });
  dense.layers[0]!.setWeights([kernel, tf.ones([16])]);
  const [expected, x] = tf.tidy(() => {
    const inputs = tf.randomNormal([5, 32], 0, 1, 'float32', 2);
    return [tf.keep(dense.predict(inputs) as tf.Tensor), tf.keep(inputs)];
  });
  const compressed = await compress(dense, { blockShape: [8, 8] });
  const saved = await new Promise<tf.io.ModelArtifacts>((resolve) => {
    void compressed.save({
      save: async (artifacts) => {
        resolve(artifacts);
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
  });
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved));
  expect(loaded.layers[0]!.getClassName()).toBe('BlockSparseDense');
  const profile = await tf.profile(() => loaded.predict(x) as tf.Tensor);
  // By the kernel: composed, it would be gathered and multiplied by kernels of tfjs.
  expect(profile.kernelNames).not.toContain('GatherV2');
  expect(profile.kernelNames).toContain('BlockSparseMatMul');
  const predicted = loaded.predict(x) as tf.Tensor;
  expect(tf.tidy(() => predicted.sub(expected).abs().max().dataSync()[0])).toBeLessThan(1e-5);

  loaded.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  const zeros = tf.zeros([5, 8]);
  const { history } = await loaded.fit(x, zeros, { epochs: 5, batchSize: 5, verbose: 0 });
  expect(history['loss']!.at(-1)).toBeLessThan(history['loss']![0] as number);
});
