import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';

import { adam, sgd, softmaxCrossEntropy } from './index.js';
import { expectClose, randomTensor } from './test-support.js';

const NAMES = [
  ...['SgdUpdate', 'MomentumUpdate', 'AdamUpdate'],
  ...['SoftmaxCrossEntropy', 'SoftmaxCrossEntropyGrad'],
];

/** Weights after three steps of each kind of optimiser. */
function train(): Float32Array[] {
  const x = randomTensor([8, 5], 1);
  const labels = tf.oneHot([0, 1, 2, 0, 1, 2, 0, 1], 3);
  const optimizers = [
    sgd({ learningRate: 0.1, weightDecay: 0.01 }),
    sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    adam({ learningRate: 0.01 }),
  ];
  return optimizers.map((optimizer) => {
    const weight = tf.variable(randomTensor([5, 3], 2));
    for (let i = 0; i < 3; i++) {
      optimizer.minimize(() => softmaxCrossEntropy(labels, tf.matMul(x, weight)), false, [weight]);
    }
    return weight.dataSync().slice() as Float32Array;
  });
}

it('the import registers nothing; what the kernels compute is what is composed without them', async () => {
  await tf.setBackend('wasm');
  const registered = () => NAMES.filter((name) => tf.getKernel(name, 'wasm'));
  expect(registered()).toEqual([]);
  const composed = train();
  for (const name of registered()) tf.unregisterKernel(name, 'wasm');
  await import('./backends/wasm.js');
  expect(registered()).toEqual(NAMES);
  train().forEach((weights, i) => expectClose(weights, composed[i]!, 1e-5));
});
