/**
 * A network that reads handwritten digits, trained while four fifths of its blocks are pruned:
 *
 *     node examples/prune-a-model.js
 */
import '@espalier/wasm-training';
import { loadDigits } from '@espalier/datasets/digits';
import * as tf from '@tensorflow/tfjs';
import { sequentialAttentionPlusPlus, sparsify } from 'espalier';

await tf.setBackend('wasm');
const digits = await loadDigits();
const train = tensorsOf(digits.train);
const test = tensorsOf(digits.test);

const model = tf.sequential({
  layers: [
    tf.layers.dense({ units: 128, inputShape: [64], activation: 'relu' }),
    tf.layers.dense({ units: 128, activation: 'relu' }),
    tf.layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
model.compile({
  optimizer: tf.train.momentum(0.05, 0.9),
  loss: 'categoricalCrossentropy',
  metrics: ['accuracy'],
});

const [epochs, batchSize] = [12, 32];
const pruning = await sparsify(model, sequentialAttentionPlusPlus(), {
  sparsity: 0.8,
  blockShape: [8, 8],
  totalSteps: epochs * Math.ceil(train.x.shape[0] / batchSize),
});
await model.fit(train.x, train.y, { epochs, batchSize, verbose: 0, callbacks: pruning.callback() });
const report = await pruning.finalize(); // a plain model again, zeros in place

for (const { name, blocks, keptBlocks } of report.pruned)
  console.log(`${name}: ${keptBlocks} of ${blocks} blocks`);
const [, accuracy] = model.evaluate(test.x, test.y);
console.log(`accuracy on digits that it has not seen: ${(100 * accuracy.dataSync()[0]).toFixed(1)}%`);

/** All examples, pixels and classes, as tensors. */
function tensorsOf(examples) {
  const { inputs, targets } = examples.gather(Array.from({ length: examples.count }, (_, i) => i));
  return {
    x: tf.tensor2d(inputs[0], [examples.count, 64]),
    y: tf.oneHot(tf.tensor1d(targets, 'int32'), 10).toFloat(),
  };
}
