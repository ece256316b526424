// From which size on a convolution is worth a call of oneDNN: times assembly/convolution.ts, the BLAS library and oneDNN on the
// same operands, all three directions, least of several rounds. `node scripts/onednn-crossover.mjs [library]`, after a build.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import '../dist/relaxed-simd.js';
import '../dist/index.js';
import { attachAccelerators, acceleratorsOf } from '../dist/accelerators/accelerator.js';
import { describeAccelerator, useAccelerators } from '../dist/accelerators/index.js';

/** Images, side, channels, filters, side of the filter, stride. */
const SHAPES = [
  ...[1, 2, 4, 8, 16, 32].map((side) => [1, side, 16, 16, 3, 1]),
  ...[1, 4, 16, 64].map((batch) => [batch, 8, 3, 8, 3, 1]),
  ...[1, 4, 16, 64].map((batch) => [batch, 8, 64, 64, 3, 1]),
  ...[1, 4, 16, 64].map((batch) => [batch, 8, 64, 64, 1, 1]),
  ...[1, 16].map((batch) => [batch, 16, 16, 32, 1, 2]),
  ...[1, 16].map((batch) => [batch, 16, 16, 32, 3, 2]),
];
const ROUNDS = 15;

await tf.setBackend('wasm');
const asked = process.argv[2] ? `onednn:${process.argv[2]}` : 'onednn';
const sides = { wasm: [] };
for (const name of ['blas', asked]) {
  const [report] = await useAccelerators([name]);
  console.log(describeAccelerator(report));
  sides[name === asked ? 'oneDNN' : 'BLAS'] = acceleratorsOf(tf.backend());
  attachAccelerators(tf.backend(), []);
}

const rows = SHAPES.map(([batch, side, channels, filters, size, stride]) => {
  const x = tf.randomNormal([batch, side, side, channels], 0, 1, 'float32', 1);
  const filter = tf.randomNormal([size, size, channels, filters], 0, 1, 'float32', 2);
  const dy = tf.conv2d(x, filter, stride, 'same');
  const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dimRoundingMode: undefined };
  const run = (kernel, inputs, shape) =>
    tf
      .engine()
      .runKernel(kernel, inputs, { ...attrs, ...shape })
      .dispose();
  const directions = {
    forward: () => run('Conv2D', { x, filter }, { dilations: 1 }),
    'by input': () => run('Conv2DBackpropInput', { dy, filter }, { inputShape: x.shape }),
    'by filter': () => run('Conv2DBackpropFilter', { x, dy }, { filterShape: filter.shape }),
  };
  const work = (dy.size * size * size * channels) | 0;
  const calls = Math.max(1, Math.ceil(3e5 / work));
  const cells = { 'multiply-adds': work };
  for (const [direction, call] of Object.entries(directions)) {
    const least = Object.fromEntries(Object.keys(sides).map((name) => [name, Infinity]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, accelerators] of Object.entries(sides)) {
        attachAccelerators(tf.backend(), accelerators);
        const started = performance.now();
        for (let i = 0; i < calls; i++) call();
        least[name] = Math.min(least[name], (1000 * (performance.now() - started)) / calls);
      }
    }
    cells[direction] = Object.values(least)
      .map((microseconds) => microseconds.toFixed(1))
      .join(' / ');
  }
  tf.dispose([x, filter, dy]);
  return [`${batch} × ${side}² × ${channels}, ${size}² ${filters}, stride ${stride}`, cells];
});
console.log(`µs by ${Object.keys(sides).join(' / ')}, with what tfjs takes for a call`);
console.table(Object.fromEntries(rows));
