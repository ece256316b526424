/**
 * A loop of one's own in the place of `model.fit`: a batch, an optimiser's step, and the run is told of it.
 *
 *     node examples/loop-of-your-own.js
 */
import '@espalier/wasm-training';
import { acdc } from '@espalier/acdc';
import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('wasm');
const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 64, inputShape: [64], activation: 'relu' }),
    tf.layers.dense({ units: 4 }),
  ],
});
const optimizer = tf.train.momentum(0.05, 0.9);
model.compile({ optimizer, loss: 'meanSquaredError' });

const totalSteps = 400;
const pruning = await sparsify(model, acdc(), { sparsity: 0.9, blockShape: [4, 4], totalSteps });
for (let step = 0; step < totalSteps; step++) {
  const { phase, sparsity } = pruning;
  const loss = optimizer.minimize(() => lossOf(128), true);
  await pruning.step(); // chooses blocks, and resets the optimiser, where the search says so
  if (step % 50 === 25) {
    const kept = `${(100 * (1 - sparsity)).toFixed(0)}% of the blocks`;
    console.log(`step ${step}: ${phase}, ${kept}, loss ${loss.dataSync()[0].toFixed(4)}`);
  }
  loss.dispose();
}
const report = await pruning.finalize();

console.log(
  `sparsity ${report.achieved.prunedLayers}, loss ${tf.tidy(() => lossOf(4096).dataSync()[0]).toFixed(4)}`,
);

/** Of fresh examples: four of the 64 inputs matter. Predicting zeros has a loss of 1. */
function lossOf(count) {
  const x = tf.randomNormal([count, 64]);
  return tf.losses.meanSquaredError(x.slice([0, 0], [count, 4]), model.apply(x, { training: true }));
}
