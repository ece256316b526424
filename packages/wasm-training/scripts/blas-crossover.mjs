// From which size on a product is worth a call of the system's BLAS: times assembly/gemm.ts and the library on the same
// operands, all transpositions, least of several rounds. `node scripts/blas-crossover.mjs`, after a build.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { memoryOf } from '@espalier/blocks';
import '../dist/index.js';
import { describeAccelerator, findAccelerators } from '../dist/accelerators/index.js';
import { open } from '../dist/accelerators/blas/library.js';
import { loadKoffi } from '../dist/accelerators/native/koffi.js';
import { productsOn } from '../dist/accelerators/blas/products.js';
import { kernelsOf } from '../dist/wasm/link.js';

const SHAPES = [
  ...[2, 4, 8, 12, 16, 20, 24, 28, 32, 48, 64].map((size) => [size, size, size]),
  ...['128 8 8', '8 512 8', '64 1 64', '128 64 1', '1 64 64', '1 512 512', '128 10 64', '4 256 256'].map(
    (shape) => shape.split(' ').map(Number),
  ),
];
const TRANSPOSITIONS = [0, 1, 2, 3].map((bits) => [bits % 2 === 1, bits > 1]);
const ROUNDS = 9;

await tf.setBackend('wasm');
const backend = tf.backend();
const [report] = await findAccelerators(['blas']);
console.log(describeAccelerator(report));
const { exports, scratch, workspace } = kernelsOf(backend);
const library = open(await loadKoffi(), report.library.path);
library.setThreads(1);
const blas = productsOn(memoryOf(backend), library);
const floats = 2 ** 18;
const a = workspace(12 * floats);
const [b, c] = [a + 4 * floats, a + 8 * floats];
const operands = new Float32Array(memoryOf(backend).buffer, a, 2 * floats);
operands.forEach((_, i) => (operands[i] = Math.sin(i)));

const rows = SHAPES.sort((x, y) => work(x) - work(y)).map(([m, n, k]) => {
  const cells = { 'multiply-adds': work([m, n, k]) };
  for (const [tA, tB] of TRANSPOSITIONS) {
    const calls = Math.ceil(2e5 / (work([m, n, k]) + 500));
    const sides = {
      wasm: () => exports.gemm(tA, tB, m, n, k, a, b, c, false, 0, 0, 0, 0, scratch),
      blas: () => blas.multiply(tA, tB, m, n, k, a, b, c, false),
    };
    const least = { wasm: Infinity, blas: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [side, call] of Object.entries(sides)) {
        least[side] = Math.min(least[side], microseconds(call, calls));
      }
    }
    cells[`${tA ? 'Aᵀ' : 'A'}·${tB ? 'Bᵀ' : 'B'}`] = `${least.wasm.toFixed(2)} / ${least.blas.toFixed(2)}`;
  }
  return [`${m} × ${n} × ${k}`, cells];
});
console.log('µs by wasm / by BLAS');
console.table(Object.fromEntries(rows));

function microseconds(call, calls) {
  const started = performance.now();
  for (let i = 0; i < calls; i++) call();
  return (1000 * (performance.now() - started)) / calls;
}

function work([m, n, k]) {
  return m * n * k;
}
