import { compress, sequentialAttentionPlusPlus, sparsify } from 'espalier';
import * as tf from '@tensorflow/tfjs';
const first = tf.layers.dense({ units: 64, inputShape: [64], activation: 'relu' });
const model = tf.sequential({ layers: [first, tf.layers.dense({ units: 4 })] });
model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
const x = tf.randomNormal([1024, 64]);
const y = x.slice([0, 0], [1024, 4]); // four of the 64 inputs matter
const target = { sparsity: 0.9, blockShape: [4, 4], totalSteps: 10 * 32 };
const pruning = await sparsify(model, sequentialAttentionPlusPlus(), target);
await model.fit(x, y, { epochs: 10, batchSize: 32, verbose: 0, callbacks: pruning.callback() });
const small = await compress(model, await pruning.finalize());
const files = await new Promise((stored) => small.save({ save: async (model) => (stored(model), {}) }));
const loaded = await tf.loadLayersModel(tf.io.fromMemory(files));
const loss = tf.losses.meanSquaredError(y, loaded.predict(x)).dataSync()[0];
console.log(`loss ${loss}; ${4 * model.countParams()} bytes before, ${files.weightData.byteLength} after`);
