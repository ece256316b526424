// One side of the suite `models`, in a process of its own: `node block-sparse.models.worker.mjs <stock|espalier>`.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { blockGrid, topK } from '@espalier/core';
import { Bench } from 'tinybench';

const [side] = process.argv.slice(2);
if (side === 'espalier') await import('@espalier/wasm-training');
await tf.setBackend('wasm');
process.on('message', (message) => answer(message));
process.send({ absent: null });

async function answer({ widths, block, sparsity, batch, form, ms }) {
  try {
    const pruned = network(widths.split('-').map(Number), block, sparsity);
    const model = form === 'dense' ? pruned : await compressed(pruned, block);
    const x = tf.randomNormal([batch, model.inputs[0].shape[1]], 0, 1, 'float32', 1);
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

/** Dense layers with ReLU between them; in all kernels but the last, blocks at random are zeros. */
function network([inputs, ...units], block, sparsity) {
  const model = tf.sequential({
    layers: units.map((width, i) =>
      tf.layers.dense({
        units: width,
        kernelInitializer: tf.initializers.heNormal({ seed: i + 1 }),
        ...(i < units.length - 1 && { activation: 'relu' }),
        ...(i === 0 && { inputShape: [inputs] }),
      }),
    ),
  });
  model.layers.slice(0, -1).forEach((layer, i) => {
    const [kernel, bias] = layer.getWeights();
    layer.setWeights([tf.mul(kernel, maskOf(kernel.shape, block, sparsity, i + 1)), bias]);
  });
  return model;
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
