/**
 * What pruning adds to a step: the two block operations, fused as the wasm backend has them with
 * blocks and composed of tfjs' own, and the choice of a mask. 784 × 512 in blocks of 16 × 16.
 *
 *     node benchmarks/block-ops.bench.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { blockDot, blockGrid, scaleBlocks, topK } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { Bench } from 'tinybench';

import '@espalier/wasm-training';

import { readOptions } from './command-line.mjs';

readOptions({});

await tf.setBackend('wasm');
const grid = blockGrid([784, 512], [16, 16]);
const weight = tf.randomNormal([784, 512], 0, 1, 'float32', 1);
const other = tf.randomNormal([784, 512], 0, 1, 'float32', 2);
const scale = tf.randomUniform([...grid.gridShape], 0.5, 2, 'float32', 3);
const scores = tf.randomUniform([grid.blocks], 0, 1, 'float32', 4).dataSync();

const names = ['ScaleBlocks', 'BlockDot'];

/** Takes what is registered under the names out of tfjs' registry; registering over it would be told at each call. */
function take() {
  return names.flatMap((name) => {
    const kernel = tf.getKernel(name, 'wasm');
    if (kernel) tf.unregisterKernel(name, 'wasm');
    return kernel ?? [];
  });
}

/** A task without the fused kernels: the ops are then composed of tfjs' own. */
let fused = [];
const composed = {
  beforeAll: () => (fused = take()),
  afterAll: () => {
    take();
    for (const kernel of fused) tf.registerKernel(kernel);
  },
};

const bench = new Bench({ time: 1000, warmupTime: 200 });
bench
  .add('scaleBlocks, fused', () => scaleBlocks(weight, scale, grid).dispose())
  .add('scaleBlocks, composed', () => scaleBlocks(weight, scale, grid).dispose(), composed)
  .add('blockDot, fused', () => blockDot(weight, other, grid).dispose())
  .add('blockDot, composed', () => blockDot(weight, other, grid).dispose(), composed)
  .add('topK of 1568 scores', () => topK(scores, 157));
await bench.run();

console.table(bench.table());
const results = bench.tasks.map(({ name, result }) => ({
  name,
  medianMs: result.latency.p50,
  p75Ms: result.latency.p75,
}));
mkdirSync(new URL('./results/', import.meta.url), { recursive: true });
writeFileSync(
  new URL('./results/block-ops.json', import.meta.url),
  `${JSON.stringify({ date: new Date().toISOString(), processor: cpus()[0]?.model, node: process.version, results }, null, 2)}\n`,
);
