/**
 * A pruned model made as small and as fast as it is sparse, stored, and loaded again:
 *
 *     node examples/compress-and-load.js
 */
import '@espalier/wasm-training';
import * as tf from '@tensorflow/tfjs';
import { compress, decompress, sequentialAttentionPlusPlus, sparsePhases, sparsify } from 'espalier';

await tf.setBackend('wasm');
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 512, inputShape: [512], activation: 'relu' }),
    tf.layers.dense({ units: 512, activation: 'relu' }),
    tf.layers.dense({ units: 4 }),
  ],
});
model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
const x = tf.randomNormal([512, 512]);
const y = x.slice([0, 0], [512, 4]);

const pruning = await sparsify(model, sequentialAttentionPlusPlus(), {
  sparsity: 0.9,
  blockShape: [16, 16],
  totalSteps: 5 * 8,
  sparsePhases: sparsePhases(), // training computes with the kept blocks alone while the others are masked out
});
await model.fit(x, y, { epochs: 5, batchSize: 64, verbose: 0, callbacks: pruning.callback() });
const small = await compress(model, await pruning.finalize());

// Stored in memory here; by `fileSystem` of @espalier/block-sparse/node, or by a handler of tfjs, it is the same.
let stored;
await small.save(tf.io.withSaveHandler(async (artifacts) => ((stored = artifacts), {})));
const loaded = await tf.loadLayersModel(tf.io.fromMemory(stored));

console.log(`bytes of weights: ${4 * model.countParams()} dense, ${stored.weightData.byteLength} compressed`);
console.log(
  `ms of a prediction: ${await milliseconds(model)} dense, ${await milliseconds(loaded)} compressed`,
);
const apart = tf.tidy(() => model.predict(x).sub(loaded.predict(x)).abs().max().dataSync()[0]);
console.log(`the largest difference between their predictions: ${apart.toExponential(0)}`);
const plain = await decompress(loaded);
const [before, after] = [model, plain].map((of) =>
  of
    .getWeights()
    .map((weight) => weight.dataSync())
    .join(),
);
console.log(`decompressed, the weights are the same to the bit: ${before === after}`);

/** Of 512 examples; the median of 21. */
async function milliseconds(of) {
  const times = [];
  for (let i = 0; i < 21; i++) {
    const start = performance.now();
    const y = of.predict(x);
    await y.data();
    times.push(performance.now() - start);
    y.dispose();
  }
  return times.sort((a, b) => a - b)[10].toFixed(2);
}
