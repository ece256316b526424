/**
 * How long the replaced gradients take beside the ops themselves, on cpu and on wasm with `@espalier/wasm-training`:
 * `node benchmarks/gradients.bench.mjs`. The median of seven runs, in milliseconds.
 */
import '@espalier/wasm-training';
import * as tf from '@tensorflow/tfjs';

import { readOptions } from './command-line.mjs';

readOptions({});

const image = [8, 32, 32, 16];
const volume = [4, 16, 16, 16, 8];
const cases = {
  'conv3d 3 × 3 × 3, 8 → 16': [volume, (x) => tf.conv3d(x, tf.ones([3, 3, 3, 8, 16]), 1, 'same')],
  'the same, by its filter': [[3, 3, 3, 8, 16], (filter) => tf.conv3d(tf.ones(volume), filter, 1, 'same')],
  'conv3d 3 × 3 × 3, strides of 2': [volume, (x) => tf.conv3d(x, tf.ones([3, 3, 3, 8, 16]), 2, 'same')],
  'maxPool3d 2 × 2 × 2': [volume, (x) => tf.maxPool3d(x, 2, 2, 'same')],
  'avgPool3d 3 × 3 × 3, strides of 2': [volume, (x) => tf.avgPool3d(x, 3, 2, 'same')],
  'avgPool 3 × 3, strides of 2': [image, (x) => tf.avgPool(x, 3, 2, 'same')],
  'dilation2d 3 × 3': [image, (x) => tf.dilation2d(x, tf.ones([3, 3, 16]), 1, 'same')],
  'resizeNearestNeighbor, twice as large': [image, (x) => tf.image.resizeNearestNeighbor(x, [64, 64])],
  'resizeBilinear, twice as large': [image, (x) => tf.image.resizeBilinear(x, [64, 64], false, true)],
  'mirrorPad by 1': [image, (x) => tf.mirrorPad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], 'reflect')], // prettier-ignore
};

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

function milliseconds(compute) {
  const once = () => {
    const start = performance.now();
    tf.tidy(() => [compute()].flat().forEach((tensor) => tensor.dataSync()));
    return performance.now() - start;
  };
  once();
  return median(Array.from({ length: 7 }, once));
}

const rows = {};
for (const backend of ['cpu', 'wasm']) {
  await tf.setBackend(backend);
  for (const [name, [shape, op]] of Object.entries(cases)) {
    const x = tf.randomUniform(shape, -1, 1, 'float32', 1);
    const forward = milliseconds(() => op(x));
    const dy = op(x);
    const both = milliseconds(() => tf.grad(op)(x, dy));
    rows[name] = {
      ...rows[name],
      [backend]: forward.toFixed(1),
      [`${backend}, there and back`]: both.toFixed(1),
    };
    tf.dispose([x, dy]);
  }
}
console.table(rows);
