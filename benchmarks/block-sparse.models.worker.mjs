// One side of the suite `models`, in a process of its own: `node block-sparse.models.worker.mjs
// <stock|espalier|espalier:blas>`.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { blockGrid, topK } from '@espalier/core';
import { Bench } from 'tinybench';

import { networkOf } from './block-sparse.networks.mjs';

const [side] = process.argv.slice(2);
if (side !== 'stock') await import('@espalier/wasm-training');
await tf.setBackend('wasm');
try {
  if (side.endsWith(':blas')) {
    const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
    await useAccelerators(['blas']);
  }
  process.on('message', (message) => answer(message));
  process.send({ absent: null });
} catch (error) {
  process.send({ absent: error.message.split('\n')[0] });
}

async function answer({ network, block, sparsity, batch, form, ms }) {
  try {
    const { model: pruned, exampleShape } = await prunedNetwork(network, block, sparsity);
    const model = form === 'dense' ? pruned : await compressed(pruned, block);
    const x = tf.randomNormal([batch, ...exampleShape], 0, 1, 'float32', 1);
    const bench = new Bench({ time: ms, warmupTime: ms / 2, iterations: 3, warmupIterations: 3 });
    bench.add(form, () => model.predict(x).dispose());
    await bench.run();
    const { result } = bench.tasks[0];
    if (result.state !== 'completed') throw result.error ?? new Error(`The benchmark is ${result.state}.`);
    const sizes = { bytes: await savedBytes(model), leastBytes: leastBytes(pruned) };
    tf.dispose(x);
    tf.disposeVariables();
    process.send({ medianMs: result.latency.p50, minMs: result.latency.min, ...sizes });
  } catch (error) {
    process.send({ error: error.stack });
  }
}

/** In all kernels but the last, and a convolution's of three channels, blocks at random are zeros. */
async function prunedNetwork(name, block, sparsity) {
  const network = await networkOf(name);
  const kernels = network.model.layers.filter(({ kernel }) => kernel).slice(0, -1);
  kernels.forEach((layer, i) => {
    const [kernel, ...others] = layer.getWeights();
    const columns = kernel.shape.at(-1);
    const rows = kernel.size / columns;
    if (rows < 2 * block) return;
    const mask = maskOf([rows, columns], block, sparsity, i + 1).reshape(kernel.shape);
    layer.setWeights([tf.mul(kernel, mask), ...others]);
  });
  return network;
}

/** Zeros and ones, blocks of them; both sides, dense and sparse, are the better for no help of ours here. */
function maskOf([n, m], block, sparsity, seed) {
  const { blocks, gridShape } = blockGrid([n, m], [block, block]);
  const scores = tf.randomUniform([blocks], 0, 1, 'float32', seed).dataSync();
  const kept = topK(scores, Math.round(blocks * (1 - sparsity)));
  const values = Float32Array.from({ length: n * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    return kept[Math.floor(i / block) * gridShape[1] + Math.floor(j / block)];
  });
  return tf.tensor2d(values, [n, m]);
}

async function compressed(model, block) {
  const { compress } = await import('@espalier/block-sparse');
  return compress(model, { blockShape: [block, block] });
}

/** Topology and weights, as they would lie in files. */
async function savedBytes(model) {
  let bytes = 0;
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      bytes = JSON.stringify({ modelTopology, weightSpecs }).length + weightData.byteLength;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  return bytes;
}

/** 4 bytes for each weight that is not zero, biases included. */
function leastBytes(model) {
  const counts = model.layers.flatMap((layer) =>
    layer.getWeights().map((weight) => (weight.rank === 1 ? weight.size : nonZeros(weight))),
  );
  return 4 * counts.reduce((a, b) => a + b);
}

function nonZeros(weight) {
  return weight.dataSync().reduce((count, value) => count + Number(value !== 0), 0);
}
