/**
 * What made `digits/`: a network that reads handwritten digits, as `model.save` writes it.
 *
 *     node examples/pretrained-from-files/train.js
 */
import '@espalier/wasm-training';
import { fileSystem } from '@espalier/block-sparse/node';
import { loadDigits } from '@espalier/datasets/digits';
import { multilayerPerceptron } from '@espalier/models';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('wasm');
const { train } = await loadDigits();
const { inputs, targets } = train.gather(Array.from({ length: train.count }, (_, i) => i));
const model = multilayerPerceptron({ inputs: 64, hidden: [64, 64], outputs: 10, seed: 0 });
model.compile({
  optimizer: tf.train.momentum(0.05, 0.9),
  loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
});
const y = tf.oneHot(tf.tensor1d(targets, 'int32'), 10);
await model.fit(tf.tensor2d(inputs[0], [train.count, 64]), y, { epochs: 20, batchSize: 32, verbose: 0 });

await model.save(fileSystem(new URL('digits/', import.meta.url)));
