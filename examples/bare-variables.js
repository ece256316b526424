/**
 * No layers and no model: a variable that a program of one's own computes with, here to find which of 64 inputs matter.
 *
 *     node examples/bare-variables.js
 */
import { sparsify } from '@espalier/core';
import { softmaxAttentionPruning } from '@espalier/softmax-attention';
import * as tf from '@tensorflow/tfjs';

await tf.setBackend('cpu');
const relevant = [3, 17, 42, 60];
const w = tf.variable(tf.randomNormal([64, 16], 0, 0.1, 'float32', 1));
const optimizer = tf.train.adam(0.01);
const totalSteps = 300;
const pruning = await sparsify({ w }, softmaxAttentionPruning(), {
  sparsity: 1 - relevant.length / 64,
  blockShape: [1, 16], // a block is all that an input goes to
  minimumBlocks: 1,
  totalSteps,
  optimizer,
});

const truth = tf.tidy(() => tf.randomNormal([relevant.length, 16], 0, 1, 'float32', 2));
const pinned = tf.tensor1d(relevant, 'int32');
for (let step = 0; step < totalSteps; step++) {
  optimizer.minimize(
    () => {
      const x = tf.randomNormal([64, 64], 0, 1, 'float32', 3 + step);
      const y = tf.matMul(tf.gather(x, pinned, 1), truth);
      return tf.losses.meanSquaredError(y, tf.matMul(x, pruning.weight('w'))); // in the place of w
    },
    false,
    [w, ...pruning.addedVariables], // the attention's logits train beside it
  );
  await pruning.step();
}
await pruning.finalize(); // w holds the pruned weight

const norms = tf.tidy(() => w.norm('euclidean', 1).arraySync());
console.log(`inputs that matter: ${relevant}`);
console.log(`inputs kept:        ${norms.flatMap((norm, input) => (norm > 0 ? [input] : []))}`);
