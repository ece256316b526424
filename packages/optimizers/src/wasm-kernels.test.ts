/** The wasm kernels themselves, without the optimisers that call them: nothing is read beyond a tensor's end. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import './backends/wasm.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const [four, three] = [[2, 2], [3]];
it.each<[string, Record<string, number[]>, string]>([
  [
    'SgdUpdate',
    { weight: four, gradient: three },
    "the input 'gradient' must have the shape [2, 2], got [3]",
  ],
  [
    'MomentumUpdate',
    { weight: four, gradient: four, velocity: three },
    "the input 'velocity' must have the shape [2, 2], got [3]",
  ],
  [
    'AdamUpdate',
    { weight: four, gradient: four, first: four, second: three },
    "the input 'second' must have the shape [2, 2], got [3]",
  ],
  [
    'SoftmaxCrossEntropy',
    { labels: [2, 3], logits: four },
    "the input 'labels' must have the shape [2, 2], got [2, 3]",
  ],
  [
    'SoftmaxCrossEntropy',
    { labels: three, logits: three },
    "the input 'logits' must have the shape [any, any], got [3]",
  ],
  [
    'SoftmaxCrossEntropyGrad',
    { dy: three, labels: four, logits: four },
    "the input 'dy' must have the shape [], got [3]",
  ],
])('%s of %o', (name, shapes, message) => {
  const before = tf.memory();
  tf.tidy(() => {
    const inputs = Object.fromEntries(
      Object.entries(shapes).map(([input, shape]) => [input, tf.ones(shape)]),
    );
    expect(() => tf.engine().runKernel(name, inputs, {})).toThrow(message);
  });
  expect(tf.memory().numTensors).toBe(before.numTensors);
});
