import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import '../index.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

it.each([1, 4, 7, 13])('makes ReLU of %i numbers, whichever they are', (n) => {
  const x = Float32Array.from({ length: n }, (_, i) => [NaN, -1, 2, -Infinity, Infinity, 0, -1e-45][i % 7]!);
  const y = tf.tidy(() => tf.relu(tf.tensor1d(x)).dataSync());
  expect([...y]).toEqual([...x].map((value) => (value < 0 ? 0 : value)));
});

it('makes ReLU of whole numbers and of nothing', () => {
  expect(tf.tidy(() => [...tf.relu(tf.tensor1d([-2, 3], 'int32')).dataSync()] as never)).toEqual([0, 3]);
  expect(tf.tidy(() => tf.relu(tf.zeros([0, 3])).shape as never)).toEqual([0, 3]);
});
