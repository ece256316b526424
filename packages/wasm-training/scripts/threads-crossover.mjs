// From which size on a product is worth several threads: times assembly/gemm.ts alone and divided, all transpositions, the
// caches cold. `node scripts/threads-crossover.mjs [threads]`, after a build. A product that src/accelerators/threads/division.ts does not
// find worth it is not divided: its times are those of one thread.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { memoryOf } from '@espalier/blocks';
import '../dist/relaxed-simd.js';
import { multiplyOn } from '../dist/accelerators/threads/products.js';
import { Team } from '../dist/accelerators/threads/team.js';
import { kernelsOf } from '../dist/wasm/link.js';

const SHAPES = [
  ...[64, 96, 128, 160, 192, 256, 384, 512, 1024].map((size) => [size, size, size]),
  ...[
    '128 512 784',
    '784 512 128',
    '128 10 512',
    '512 10 128',
    '32 512 512',
    '16 1024 1024',
    '1 1024 1024',
  ].map((shape) => shape.split(' ').map(Number)),
];
const TRANSPOSITIONS = [0, 1, 2, 3].map((bits) => [bits % 2 === 1, bits > 1]);
const ROUNDS = 15;
const FLUSHED_FLOATS = 2 ** 20;

await tf.setBackend('wasm');
const backend = tf.backend();
const { exports, moduleFor, scratch, workspace } = kernelsOf(backend);
const team = await Team.start(Number(process.argv[2] ?? 2), moduleFor);
const floats = 2 ** 20;
const a = workspace(4 * (3 * floats + FLUSHED_FLOATS));
const [b, c, flushed] = [a + 4 * floats, a + 8 * floats, a + 12 * floats];
const memory = new Float32Array(memoryOf(backend).buffer);
for (let i = 0; i < 2 * floats; i++) memory[a / 4 + i] = Math.sin(i);

const rows = SHAPES.sort((x, y) => work(x) - work(y)).map(([m, n, k]) => {
  const cells = { 'multiply-adds': work([m, n, k]) };
  for (const [tA, tB] of TRANSPOSITIONS) {
    const alone = () => exports.gemm(tA, tB, m, n, k, a, b, c, false, 0, 0, 0, 0, scratch);
    const divided = () => multiplyOn(team, backend, [tA, tB, m, n, k, a, b, c, false]);
    const times = [median(ROUNDS, alone), divided() ? median(ROUNDS, divided) : null];
    cells[`${tA ? 'Aᵀ' : 'A'}·${tB ? 'Bᵀ' : 'B'}`] = times
      .map((time) => time?.toFixed(0) ?? 'not divided')
      .join(' / ');
  }
  return [`${m} × ${n} × ${k}`, cells];
});
console.log(`µs on one thread / on ${team.size}`);
console.table(Object.fromEntries(rows));
await team.stop();

/** Median of several calls in microseconds, each after other data has gone through the caches. */
function median(rounds, multiply) {
  const times = Array.from({ length: rounds }, (_, i) => {
    memory.fill(i, flushed / 4, flushed / 4 + FLUSHED_FLOATS);
    const started = performance.now();
    multiply();
    return 1000 * (performance.now() - started);
  });
  return times.sort((x, y) => x - y)[rounds >> 1];
}

function work([m, n, k]) {
  return m * n * k;
}
