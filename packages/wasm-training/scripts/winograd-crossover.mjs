// Where Winograd's convolutions of assembly/winograd.ts are faster than products of patches: times both, forward (which the
// gradient by the input is too, of a turned filter) and the gradient by the filter, in alternating rounds. `node
// scripts/winograd-crossover.mjs [rounds]`, after a build. The rule of src/products/winograd.ts is to hold where both ratios are
// above 1; it is printed beside them.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { memoryOf } from '@espalier/blocks';
import '../dist/relaxed-simd.js';
import { chunkRows, patchProductOf } from '../dist/products/patches.js';
import { byWinograd } from '../dist/products/winograd.js';
import { kernelsOf } from '../dist/wasm/link.js';

/** Batch, side of the image, channels in and out. */
const SHAPES = [
  ...[
    '64 32 16 16',
    '64 16 32 32',
    '64 8 64 64',
    '64 32 8 8',
    '16 16 64 64',
    '8 32 64 128',
    '4 16 256 256',
    '16 4 512 512',
  ],
  ...['128 6 8 8', '64 7 32 32', '64 5 64 64', '64 4 16 16', '64 3 64 64', '64 2 64 64'],
  ...[
    '1 56 64 64',
    '1 32 16 16',
    '1 16 32 32',
    '2 16 64 64',
    '1 8 64 64',
    '1 8 512 512',
    '1 4 64 64',
    '4 4 256 256',
  ],
].map((shape) => shape.split(' ').map(Number));
const ROUNDS = Number(process.argv[2] ?? 9);
const PLAIN = [0, 0, 0, 0];

await tf.setBackend('wasm');
const backend = tf.backend();
const { exports, scratch } = kernelsOf(backend);
const rows = SHAPES.map(([batch, side, channels, outChannels]) => {
  const product = patchProductOf([
    ...[batch, side, side, channels, side, side, outChannels],
    ...[3, 3, 1, 1, 1, 1, 1, 1],
  ]);
  const { geometry, depth } = product;
  const chunk = chunkRows(depth);
  const floats = [batch * side * side * channels, batch * side * side * outChannels, depth * outChannels];
  const [x, dy, filter] = floats.map((length, i) => allocate(length, i + 1));
  const [out, dFilter] = [floats[1], floats[2]].map((length) => allocate(length, 0));
  const patches = allocate(chunk * depth, 0);
  const own = allocate(exports.winogradBytes(channels, outChannels) / 4, 0);
  const pairs = {
    forward: [
      () => exports.convolution(x, filter, out, ...geometry, patches, chunk, scratch, ...PLAIN),
      () => exports.winogradConvolution(x, filter, out, ...geometry, own, ...PLAIN),
    ],
    filter: [
      () => exports.convFilterGradient(x, dy, dFilter, ...geometry, patches, chunk, scratch),
      () => exports.winogradFilterGradient(x, dy, dFilter, ...geometry, 0, channels, own),
    ],
  };
  const cells = Object.entries(pairs).map(([name, [patchwise, winograd]]) => {
    const times = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      [patchwise, winograd].forEach((compute, i) => times[i].push(timeOf(compute)));
    }
    const [before, after] = times.map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1]);
    const resultOf = (compute, at, length) => {
      compute();
      return new Float32Array(memoryOf(backend).buffer, at, length).slice();
    };
    const [at, length] = name === 'forward' ? [out, floats[1]] : [dFilter, floats[2]];
    const [a, b] = [patchwise, winograd].map((compute) => resultOf(compute, at, length));
    const scale = a.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const error = a.reduce((max, v, i) => Math.max(max, Math.abs(v - b[i])), 0) / scale;
    return [
      name,
      `${before.toFixed(2)} / ${after.toFixed(2)} = ${(before / after).toFixed(2)}  (${error.toExponential(0)})`,
    ];
  });
  for (const at of [x, dy, filter, out, dFilter, patches, own]) backend.wasm._free(at);
  return [
    `${batch} × ${side}² × ${channels} → ${outChannels}`,
    { rule: byWinograd(product.geometry) ? 'Winograd' : 'patches', ...Object.fromEntries(cells) },
  ];
});
console.log(
  'milliseconds by products of patches / by Winograd = ratio (largest difference, of the largest value)',
);
console.table(Object.fromEntries(rows));

function allocate(floats, seed) {
  const at = backend.wasm._malloc(4 * floats + 16);
  const values = new Float32Array(memoryOf(backend).buffer, at, floats);
  for (let i = 0; i < floats; i++) values[i] = seed === 0 ? 0 : Math.sin(i * (1 + seed / 7)) + 0.1;
  return at;
}

/** Milliseconds of one call, of as many as take a few. */
function timeOf(compute) {
  let calls = 0;
  const started = performance.now();
  do {
    compute();
    calls++;
  } while (performance.now() - started < 5);
  return (performance.now() - started) / calls;
}
