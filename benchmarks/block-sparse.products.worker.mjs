// One side of the suite `products`, in a process of its own: `node block-sparse.products.worker.mjs <side>`. It says
// { absent: null }, or why it cannot take part, and then answers each case with its times.

import { Bench } from 'tinybench';

const [side] = process.argv.slice(2);

const SIDES = {
  stock: () => denseOnTfjs(startStock),
  'wasm-training': () => denseOnTfjs(startWasm),
  'wasm-training:blas': () => denseOnTfjs(startBlas),
  tensorflow: () => denseOnTfjs(() => start('tensorflow')),
  webgpu: () => denseOnTfjs(() => start('webgpu')),
  'block-sparse': () => blockSparse(startWasm),
  'block-sparse:blas': () => blockSparse(startBlas),
  'block-sparse:tensorflow': () => blockSparse(() => start('tensorflow')),
  'block-sparse:webgpu': () => blockSparse(() => start('webgpu')),
  onnxruntime: denseOnOnnxruntime,
};

/** Makes of a case { work, weights, dispose }: `work` does the product once, `weights` is how many it multiplies with. */
let prepare;
try {
  prepare = await SIDES[side]();
  process.on('message', (message) => answer(message));
  process.send({ absent: null });
} catch (error) {
  process.send({ absent: error.message.split('\n')[0].split(' (')[0] });
}

async function answer({ ms, ...one }) {
  try {
    const { work, weights, repeats = 1, dispose } = await prepare(one);
    const bench = new Bench({ time: ms, warmupTime: ms / 2, iterations: 3, warmupIterations: 3 });
    bench.add(one.product, work);
    await bench.run();
    dispose();
    const { result } = bench.tasks[0];
    if (result.state !== 'completed') throw result.error ?? new Error(`The benchmark is ${result.state}.`);
    const { p50, min } = result.latency;
    process.send({ medianMs: p50 / repeats, minMs: min / repeats, weights });
  } catch (error) {
    process.send({ error: error.stack });
  }
}

async function startStock() {
  const tf = await import('@tensorflow/tfjs');
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
}

/** Not by startBackend, which turns relaxed SIMD on. */
async function startWasm() {
  await import('@espalier/wasm-training');
  const tf = await import('@tensorflow/tfjs');
  await tf.setBackend('wasm');
}

async function startBlas() {
  await startWasm();
  const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
  await useAccelerators(['blas']);
}

/** Starts a backend; a software adapter is no GPU, and of no interest here. */
async function start(name) {
  const { startBackend } = await import('@espalier/backend');
  const backend = await startBackend(name);
  if (backend.kind === 'software adapter') throw new Error(`${backend.device} computes on the processor`);
  return backend;
}

/** Work that is handed to a GPU is waited for, a number of products at a time. */
function timed(product, backend) {
  const run = () => product().dispose();
  if (!backend || backend.kind !== 'gpu') return { work: run };
  const repeats = 20;
  const work = async () => {
    for (let i = 0; i < repeats; i++) run();
    await backend.finished();
  };
  return { work, repeats };
}

async function denseOnTfjs(startUp) {
  const backend = await startUp();
  const tf = await import('@tensorflow/tfjs');
  return ({ product, batch, n, m }) => {
    const x = tf.randomNormal([batch, n], 0, 1, 'float32', 1);
    const dy = tf.randomNormal([batch, m], 0, 1, 'float32', 2);
    const weight = tf.randomNormal([n, m], 0, 1, 'float32', 3);
    const products = {
      forward: () => tf.matMul(x, weight),
      transposed: () => tf.matMul(dy, weight, false, true),
      gradient: () => tf.matMul(x, dy, true, false),
    };
    return {
      ...timed(products[product], backend),
      weights: n * m,
      dispose: () => tf.dispose([x, dy, weight]),
    };
  };
}

async function blockSparse(startUp) {
  const backend = await startUp();
  const tf = await import('@tensorflow/tfjs');
  const { blockGrid, topK } = await import('@espalier/core');
  await import('@espalier/block-sparse');
  const { blockSparseMatMul, blockSparseWeightGradient, patternOf } = await import('@espalier/blocks');
  return async ({ product, batch, n, m, block, sparsity, seed }) => {
    const grid = blockGrid([n, m], [block, block]);
    const scores = tf.tidy(() => tf.randomUniform([grid.blocks], 0, 1, 'float32', seed).dataSync());
    const pattern = patternOf(grid, topK(scores, Math.round(grid.blocks * (1 - sparsity))));
    const x = tf.randomNormal([batch, n], 0, 1, 'float32', 1);
    const dy = tf.randomNormal([batch, m], 0, 1, 'float32', 2);
    const values = tf.randomNormal([pattern.size], 0, 1, 'float32', 3);
    const products = {
      forward: () => blockSparseMatMul(x, values, pattern),
      transposed: () => blockSparseMatMul(dy, values, pattern, { transposed: true }),
      gradient: () => blockSparseWeightGradient(x, dy, pattern),
    };
    return {
      ...timed(products[product], backend),
      weights: pattern.size,
      dispose: () => tf.dispose([x, dy, values]),
    };
  };
}

/** The weight is a constant of the model where there is one: onnxruntime then packs it once, beforehand. */
async function denseOnOnnxruntime() {
  const { onnxruntime } = await import('./block-sparse.onnxruntime.mjs');
  const { productSession, tensor } = await onnxruntime();
  return async ({ product, batch, n, m }) => {
    const [x, dy] = [tensor([batch, n]), tensor([batch, m])];
    const session = await productSession(product, batch, n, m);
    const feeds = { forward: { a: x }, transposed: { a: dy }, gradient: { a: x, b: dy } }[product];
    const fetches = { c: tensor({ forward: [batch, m], transposed: [batch, n], gradient: [n, m] }[product]) };
    return {
      work: () => session.run(feeds, fetches),
      weights: n * m,
      dispose: () => session.release(),
    };
  };
}
