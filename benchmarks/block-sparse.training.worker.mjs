// One side of the suite `training`, in a process of its own.

import * as tf from '@tensorflow/tfjs';
import '@espalier/wasm-training';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import { costsOf, sparsePhases } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { Bench } from 'tinybench';

import { networkOf } from './block-sparse.networks.mjs';

const [side] = process.argv.slice(2);
const onBlas = side.endsWith(':blas');
/** Of the whole run. */
const RUN_BATCH = 128;

await tf.setBackend('wasm');
try {
  if (onBlas) {
    const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
    await useAccelerators(['blas']);
  }
  process.on('message', (message) => answer(message));
  process.send({ absent: null });
} catch (error) {
  process.send({ absent: error.message.split('\n')[0] });
}

async function answer({ step, ...message }) {
  try {
    process.send(await (step ? timeStep(message) : wholeRun(message)));
  } catch (error) {
    process.send({ error: error.stack });
  }
  tf.disposeVariables();
}

/** A model in training: `step()` trains it once. */
async function training({ network, block, sparsity, form }, pruner, totalSteps) {
  const { model, ...examples } = await networkOf(network);
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 });
  const variables = model.trainableWeights.map((weight) => weight.read());
  const pruning =
    form === 'dense'
      ? null
      : await sparsify(model, pruner, {
          sparsity,
          blockShape: [block, block],
          totalSteps,
          optimizer,
          // All convolutions of the wide network, but its first, are of at least 36 blocks.
          ...(network === 'wide-resnet-20' && { minimumBlocks: 1 }),
          sparsePhases:
            form === 'sparse' ? sparsePhases(onBlas ? { costs: costsOf('wasm', 'blas') } : {}) : null,
        });
  const trained = [...variables, ...(pruning?.addedVariables ?? [])];
  const minimize = ({ x, y }) => {
    const loss = () => softmaxCrossEntropy(y, model.apply(x, { training: true }));
    return optimizer.minimize(loss, true, trained);
  };
  return { model, examples, optimizer, pruning, minimize };
}

/** Examples of a class lie about a point of its own. */
function examplesOf({ exampleShape, classes }, count, seed) {
  return tf.tidy(() => {
    const labels = tf.randomUniform([count], 0, classes, 'int32', seed);
    const centres = tf.randomUniform([classes, ...exampleShape], -1, 1, 'float32', 7);
    const noise = tf.randomNormal([count, ...exampleShape], 0, 3, 'float32', seed + 1);
    return { x: centres.gather(labels).add(noise), y: tf.oneHot(labels, classes).toFloat() };
  });
}

/** In the sparse phase of a pruner that prunes at once. */
async function timeStep({ ms, ...message }) {
  const { minimize, examples, pruning, optimizer } = await training(
    message,
    magnitude({ dense: 0.001 }),
    1000,
  );
  await pruning?.step();
  const data = examplesOf(examples, message.batch, 1);
  const bench = new Bench({ time: ms, warmupTime: ms / 2, iterations: 3, warmupIterations: 3 });
  bench.add('step', () => {
    const loss = minimize(data);
    loss.dataSync();
    loss.dispose();
  });
  await bench.run();
  const { result } = bench.tasks[0];
  if (result.state !== 'completed') throw result.error ?? new Error(`The benchmark is ${result.state}.`);
  pruning?.abandon();
  tf.dispose(data);
  optimizer.dispose();
  return { medianMs: result.latency.p50, minMs: result.latency.min };
}

async function wholeRun({ steps, ...message }) {
  const pruner = sequentialAttentionPlusPlus();
  const { model, examples, minimize, pruning, optimizer } = await training(message, pruner, steps);
  const started = performance.now();
  for (let step = 0; step < steps; step++) {
    const data = examplesOf(examples, RUN_BATCH, 2 * step);
    const loss = minimize(data);
    tf.dispose([data, loss]);
    await pruning.step();
  }
  const seconds = (performance.now() - started) / 1e3;
  const masks = pruning.kernels.map(({ mask }) => mask.join('')).join('');
  await pruning.finalize();
  optimizer.dispose();
  const quality = tf.tidy(() => {
    const { x, y } = examplesOf(examples, RUN_BATCH, 1e6);
    const outputs = model.predict(x);
    return {
      loss: softmaxCrossEntropy(y, outputs).dataSync()[0],
      accuracy: outputs.argMax(-1).equal(y.argMax(-1)).toFloat().mean().dataSync()[0],
    };
  });
  return { seconds, masks, ...quality };
}
