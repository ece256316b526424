// One side of the suite `training`, in a process of its own.

import * as tf from '@tensorflow/tfjs';
import '@espalier/wasm-training';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import { sparsePhases } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { multilayerPerceptron } from '@espalier/models';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { Bench } from 'tinybench';

const BATCH = 128;

await tf.setBackend('wasm');
process.on('message', (message) => answer(message));
process.send({ absent: null });

async function answer({ step, ...message }) {
  try {
    process.send(await (step ? timeStep(message) : wholeRun(message)));
  } catch (error) {
    process.send({ error: error.stack });
  }
  tf.disposeVariables();
}

/** A model in training: `step()` trains it once. */
async function training({ widths: [inputs, ...units], block, sparsity, form }, pruner, totalSteps) {
  const model = multilayerPerceptron({
    inputs,
    hidden: units.slice(0, -1),
    outputs: units.at(-1),
    seed: 0,
  });
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
          sparsePhases: form === 'sparse' ? sparsePhases() : null,
        });
  const trained = [...variables, ...(pruning?.addedVariables ?? [])];
  const minimize = ({ x, y }) => {
    const loss = () => softmaxCrossEntropy(y, model.apply(x, { training: true }));
    return optimizer.minimize(loss, true, trained);
  };
  return { model, optimizer, pruning, minimize };
}

/** Examples of a class lie about a point of its own. */
function batch([inputs, ...units], seed) {
  return tf.tidy(() => {
    const classes = units.at(-1);
    const labels = tf.randomUniform([BATCH], 0, classes, 'int32', seed);
    const centres = tf.randomUniform([classes, inputs], -1, 1, 'float32', 7);
    const noise = tf.randomNormal([BATCH, inputs], 0, 3, 'float32', seed + 1);
    return { x: centres.gather(labels).add(noise), y: tf.oneHot(labels, classes).toFloat() };
  });
}

/** In the sparse phase of a pruner that prunes at once. */
async function timeStep({ ms, ...message }) {
  const { minimize, pruning, optimizer } = await training(message, magnitude({ dense: 0.001 }), 1000);
  await pruning?.step();
  const data = batch(message.widths, 1);
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
  const { model, minimize, pruning, optimizer } = await training(message, pruner, steps);
  const started = performance.now();
  for (let step = 0; step < steps; step++) {
    const data = batch(message.widths, 2 * step);
    const loss = minimize(data);
    tf.dispose([data, loss]);
    await pruning.step();
  }
  const seconds = (performance.now() - started) / 1e3;
  const masks = pruning.kernels.map(({ mask }) => mask.join('')).join('');
  await pruning.finalize();
  optimizer.dispose();
  const quality = tf.tidy(() => {
    const { x, y } = batch(message.widths, 1e6);
    const outputs = model.predict(x);
    return {
      loss: softmaxCrossEntropy(y, outputs).dataSync()[0],
      accuracy: outputs.argMax(-1).equal(y.argMax(-1)).toFloat().mean().dataSync()[0],
    };
  });
  return { seconds, masks, ...quality };
}
