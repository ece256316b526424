/**
 * A network that was trained elsewhere, read from its files, fine-tuned while it is pruned, and written smaller:
 *
 *     node examples/pretrained-from-files/prune.js [folder to write to]
 */
import '@espalier/wasm-training';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compress } from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { sparsify } from '@espalier/core';
import { loadDigits } from '@espalier/datasets/digits';
import { gmp } from '@espalier/gmp';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('wasm');
const { train, test } = await loadDigits();
const model = await tf.loadLayersModel(fileSystem(new URL('digits/', import.meta.url)));
model.compile({
  optimizer: tf.train.momentum(0.02, 0.9),
  loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
  metrics: ['accuracy'],
});
console.log(`as it came: ${accuracyOf(model)}`);

const [epochs, batchSize] = [10, 32];
const pruning = await sparsify(model, gmp({ start: 0, end: 0.5 }), {
  sparsity: 0.75,
  blockShape: [4, 4],
  totalSteps: epochs * Math.ceil(train.count / batchSize),
});
const { x, y } = tensorsOf(train);
await model.fit(x, y, { epochs, batchSize, verbose: 0, callbacks: pruning.callback() });
const report = await pruning.finalize();
console.log(
  `pruned:     ${accuracyOf(model)}, ${(100 * report.achieved.model).toFixed(1)}% of all weights zero`,
);

const small = await compress(model, report);
const folder = process.argv[2] ?? join(tmpdir(), 'espalier-digits');
const { modelArtifactsInfo } = await small.save(fileSystem(folder));
const bytes = modelArtifactsInfo.weightDataBytes;
console.log(`bytes of weights: ${4 * model.countParams()} before, ${bytes} in ${folder}`);

function accuracyOf(model) {
  const { x, y } = tensorsOf(test);
  const [, accuracy] = model.evaluate(x, y);
  return `accuracy ${(100 * accuracy.dataSync()[0]).toFixed(1)}%`;
}

function tensorsOf(examples) {
  const { inputs, targets } = examples.gather(Array.from({ length: examples.count }, (_, i) => i));
  return {
    x: tf.tensor2d(inputs[0], [examples.count, 64]),
    y: tf.oneHot(tf.tensor1d(targets, 'int32'), 10),
  };
}
