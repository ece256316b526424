// From which size on a pass over a tensor is worth a call of oneDNN: times the wasm kernels and oneDNN on the same operands, on one
// thread and on two, least of several rounds. `node scripts/passes-crossover.mjs [library]`, after a build.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import '../dist/relaxed-simd.js';
import '../dist/index.js';
import { acceleratorsOf, attachAccelerators } from '../dist/accelerators/accelerator.js';
import { describeAccelerator, useAccelerators } from '../dist/accelerators/index.js';

/** Images, side, channels. */
const SHAPES = [
  ...[8, 16, 32, 64].map((images) => [images, 16, 16]),
  ...[4, 16, 64].map((images) => [images, 8, 64]),
  ...[8, 64].map((images) => [images, 16, 32]),
  ...[8, 64].map((images) => [images, 32, 16]),
];
const ROUNDS = 40;
const EPSILON = 1e-3;

await tf.setBackend('wasm');
const asked = process.argv[2] ? `onednn:${process.argv[2]}` : 'onednn';
for (const threads of [1, 2]) {
  const [report] = await useAccelerators([asked], { threads });
  const sides = { wasm: [], oneDNN: acceleratorsOf(tf.backend()) };
  console.log(
    `${describeAccelerator(report)}, threads: ${threads}; µs by wasm / oneDNN, with what tfjs takes for a call`,
  );
  console.table(Object.fromEntries(SHAPES.map((shape) => measure(shape, sides))));
}

/** What it does not take is the wasm kernel's on both sides. */
function measure([images, side, channels], sides) {
  const shape = [images, side, side, channels];
  const [x, dy] = [1, 2].map((seed) => tf.randomNormal(shape, 0, 1, 'float32', seed));
  const [ones, zeros] = [tf.ones([channels]), tf.zeros([channels])];
  const run = (kernel, inputs) => tf.dispose(tf.engine().runKernel(kernel, inputs, { epsilon: EPSILON }));
  const gradient = { dy, x, mean: zeros, variance: ones, scale: ones, dMean: zeros, dVariance: zeros };
  const passes = {
    normalise: () => run('BatchNormTraining', { x, scale: ones, offset: zeros }),
    'its gradient': () => run('BatchNormTrainingGrad', gradient),
    add: () => run('Add', { a: x, b: dy }),
    ReLU: () => run('Relu', { x }),
    'ReLU, gradient': () => run('ReluGrad', { dy, x }),
  };
  const calls = Math.max(1, Math.ceil(2e5 / x.size));
  const cells = { numbers: x.size };
  for (const [name, pass] of Object.entries(passes)) {
    const least = Object.fromEntries(Object.keys(sides).map((side) => [side, Infinity]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, accelerators] of Object.entries(sides)) {
        attachAccelerators(tf.backend(), accelerators);
        const started = performance.now();
        for (let i = 0; i < calls; i++) pass();
        least[side] = Math.min(least[side], (1000 * (performance.now() - started)) / calls);
      }
    }
    cells[name] = Object.values(least)
      .map((microseconds) => microseconds.toFixed(1))
      .join(' / ');
  }
  tf.dispose([x, dy, ones, zeros]);
  return [`${images} × ${side}² × ${channels}`, cells];
}
