// From how many rows on a block-sparse product is worth panels and calls of the system's BLAS: times the ops of @espalier/blocks
// on their own wasm kernels and on the library, and the dense product of the library, in turns. `node
// scripts/block-sparse-crossover.mjs [rows,… [inner x outer,… [blocks,… [sparsities,…]]]]`, after a build. What the rule of
// src/accelerators/blas/index.ts leaves to wasm is timed on the library all the same.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import {
  blockGrid,
  blockSparseMatMul,
  blockSparseWeightGradient,
  memoryOf,
  patternOf,
} from '@espalier/blocks';
import '../dist/relaxed-simd.js';
import '../dist/index.js';
import { acceleratorsOf, attachAccelerators } from '../dist/accelerators/accelerator.js';
import { blockGradientBy, divided, multiplyBlocksBy } from '../dist/accelerators/blas/block-products.js';
import { open } from '../dist/accelerators/blas/library.js';
import { loadKoffi } from '../dist/accelerators/native/koffi.js';
import { productsOn } from '../dist/accelerators/blas/products.js';
import { describeAccelerator, useAccelerators } from '../dist/accelerators/index.js';

const list = (at, otherwise, parse) => (process.argv[at] ?? otherwise).split(',').map(parse);
const rowCounts = list(2, '1,2,4,8,16,32,64,128,512', Number);
const shapes = list(3, '512x512,1024x1024', (shape) => shape.split('x').map(Number));
const blocks = list(4, '4,8,16,32', Number);
const sparsities = list(5, '0.5,0.9', Number);
const ROUNDS = 9;

await tf.setBackend('wasm');
const backend = tf.backend();
const [report] = await useAccelerators(['blas']);
console.log(describeAccelerator(report));
const dense = acceleratorsOf(backend);
const library = open(await loadKoffi(), report.library.path);
library.setThreads(1);
const products = productsOn(memoryOf(backend), library);
const native = [
  {
    multiplyBlocks: (product, ...more) => {
      multiplyBlocksBy(products, backend, product, divided(product, 1).atOnce, ...more);
      return true;
    },
    blockGradient: (product, operands) => {
      blockGradientBy(products, backend, product, divided(product, 1).atOnce, operands);
      return true;
    },
  },
];

const rows = [];
for (const [n, m] of shapes) {
  for (const block of blocks) {
    for (const sparsity of sparsities) {
      for (const count of rowCounts) rows.push(rowOf(n, m, block, sparsity, count));
    }
  }
}
console.log('µs by wasm / by panels and BLAS / dense by BLAS');
console.table(Object.fromEntries(rows));

function rowOf(n, m, block, sparsity, count) {
  const grid = blockGrid([n, m], [block, block]);
  const pattern = patternOf(grid, maskOf(grid.blocks, 1 - sparsity));
  const x = tf.randomNormal([count, n], 0, 1, 'float32', 1);
  const dy = tf.randomNormal([count, m], 0, 1, 'float32', 2);
  const values = tf.randomNormal([pattern.size], 0, 1, 'float32', 3);
  const weight = tf.randomNormal([n, m], 0, 1, 'float32', 4);
  const kinds = {
    'x · W': [() => blockSparseMatMul(x, values, pattern), () => tf.matMul(x, weight)],
    'dy · Wᵀ': [
      () => blockSparseMatMul(dy, values, pattern, { transposed: true }),
      () => tf.matMul(dy, weight, false, true),
    ],
    'xᵀ · dy': [() => blockSparseWeightGradient(x, dy, pattern), () => tf.matMul(x, dy, true)],
  };
  const cells = {};
  for (const [kind, [sparse, full]] of Object.entries(kinds)) {
    const sides = [
      [[], sparse],
      [native, sparse],
      [dense, full],
    ];
    const least = sides.map(() => Infinity);
    const calls = Math.max(4, Math.ceil(4e6 / (count * n * m + 1e5)));
    for (let round = 0; round < ROUNDS; round++) {
      sides.forEach(([accelerators, call], side) => {
        attachAccelerators(backend, accelerators);
        least[side] = Math.min(least[side], microseconds(call, calls));
      });
    }
    cells[kind] = `${least.map((us) => us.toPrecision(3)).join(' / ')}`;
    cells[`× ${kind}`] =
      `${(least[0] / least[1]).toFixed(2)} wasm, ${(least[2] / Math.min(least[0], least[1])).toFixed(1)} dense`;
  }
  tf.dispose([x, dy, values, weight]);
  return [`${count} × ${n} × ${m}, ${block} × ${block}, ${100 * sparsity}%`, cells];
}

/** A share of the blocks, spread by a linear congruential generator. */
function maskOf(size, share) {
  let state = 1;
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Number(state / 2 ** 32 < share);
  });
}

function microseconds(call, calls) {
  const started = performance.now();
  for (let i = 0; i < calls; i++) call().dispose();
  return (1000 * (performance.now() - started)) / calls;
}
