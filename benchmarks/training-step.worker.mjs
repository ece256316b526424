// One of tfjs' sides of the training-step benchmark, in a process of its own since kernels are registered for the whole
// process: `node training-step.worker.mjs <workload> <threads> <file> [accelerators]`. Without accelerators it is stock tfjs;
// they are 'off', or a list such as onednn,blas. Reads its start from the file (training-step.workloads.mjs), and speaks as
// training_step_side.py does.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';

import { CLASSES, WORKLOADS } from './training-step.workloads.mjs';

const LEARNING_RATE = 0.01;
const MOMENTUM = 0.9;
const WEIGHT_DECAY = 5e-4;
const FIRST_STEPS = 3;
/** Of a burst, however long they take. */
const LEAST_STEPS = 3;

const [workload, threads, file, accelerators] = process.argv.slice(2);
const { shapes, inputShape, widths } = WORKLOADS[workload];

await tf.setBackend('wasm');
const { optimizer, lossOf, version } = accelerators ? await espalier() : stock();
const { model, made } = widths ? perceptron(widths) : resnet20();
const variables = made.flatMap((layer) => layer.trainableWeights.map((weight) => weight.read()));
const { inputs, labels } = start();

const losses = Array.from({ length: FIRST_STEPS }, step);
const parameters = variables.reduce((sum, { size }) => sum + size, 0);
tell({ version, parameters, losses });
for await (const line of createInterface({ input: process.stdin })) tell(burst(Number(line)));

/** Steps for so many seconds. */
function burst(seconds) {
  const times = [];
  const before = process.cpuUsage();
  let started = performance.now();
  const end = started + 1000 * seconds;
  let loss;
  while (started < end || times.length < LEAST_STEPS) {
    loss = step();
    const now = performance.now();
    times.push(now - started);
    started = now;
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const middle = times.length >> 1;
  return {
    samples: times.length,
    stepMs: times.length % 2 ? times[middle] : (times[middle - 1] + times[middle]) / 2,
    minMs: times[0],
    // Time on the processors: what the step costs when nothing else runs, also on a machine that is busy.
    cpuMs: (user + system) / 1000 / times.length,
    loss,
    peakMemoryMB: process.resourceUsage().maxRSS / 1024,
  };
}

function tell(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** One step of a hand-written loop; the loss is read, as a loop that reports it would. */
function step() {
  const loss = optimizer.minimize(() => lossOf(labels, model.apply(inputs, { training: true })), true);
  const value = loss.dataSync()[0];
  loss.dispose();
  if (!Number.isFinite(value)) throw new Error(`The loss is ${value}.`);
  return value;
}

/** Gives the model the file's weights. */
function start() {
  const bytes = readFileSync(file);
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let at = 0;
  const take = (shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    at += size;
    return tf.tensor(numbers.slice(at - size, at), shape);
  };
  if (variables.length !== shapes.length) throw new Error(`The model has ${variables.length} weights.`);
  for (const [i, variable] of variables.entries()) tf.tidy(() => variable.assign(take(shapes[i])));
  const inputs = take(inputShape);
  const labels = tf.tidy(() => tf.oneHot(take([inputShape[0]]).toInt(), CLASSES).toFloat());
  if (at !== numbers.length) throw new Error(`${file} is not of ${workload}: ${numbers.length} numbers.`);
  return { inputs, labels };
}

/** Fully connected layers with ReLU between them; logits at the end. */
function perceptron([inputs, ...units]) {
  const made = units.map((width, i) =>
    tf.layers.dense({
      units: width,
      ...(i < units.length - 1 && { activation: 'relu' }),
      ...(i === 0 && { inputShape: [inputs] }),
    }),
  );
  return { model: tf.sequential({ layers: made }), made };
}

/** ResNet-20 for 32 × 32 × 3 (He et al., 2016, section 4.2), with projections where the width changes. */
function resnet20() {
  const made = [];
  const make = (layer) => made[made.push(layer) - 1];
  const convolution = (x, filters, kernelSize, strides) => {
    const settings = { filters, kernelSize, strides, padding: 'same', useBias: false };
    const convolved = make(tf.layers.conv2d(settings)).apply(x);
    return make(tf.layers.batchNormalization()).apply(convolved);
  };
  const relu = (x) => tf.layers.activation({ activation: 'relu' }).apply(x);
  const input = tf.input({ shape: [32, 32, 3] });
  let x = relu(convolution(input, 16, 3, 1));
  let inputs = 16;
  for (const [filters, firstStride] of [
    [16, 1],
    [32, 2],
    [64, 2],
  ]) {
    for (let block = 0; block < 3; block++) {
      const strides = block === 0 ? firstStride : 1;
      const main = relu(convolution(x, filters, 3, strides));
      const sum = convolution(main, filters, 3, 1);
      const shortcut = inputs === filters ? x : convolution(x, filters, 1, strides);
      x = relu(tf.layers.add().apply([sum, shortcut]));
      inputs = filters;
    }
  }
  x = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x);
  return {
    model: tf.model({ inputs: input, outputs: make(tf.layers.dense({ units: CLASSES })).apply(x) }),
    made,
  };
}

/** @espalier/wasm-training, its optimiser, and the accelerators that were asked for. */
async function espalier() {
  await import('@espalier/wasm-training');
  const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
  const { sgd, softmaxCrossEntropy } = await import('@espalier/optimizers');
  const choice = accelerators === 'off' ? 'off' : accelerators.split(',');
  const used = await useAccelerators(choice, { threads: Number(threads) });
  return {
    optimizer: sgd({ learningRate: LEARNING_RATE, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY }),
    lossOf: softmaxCrossEntropy,
    // What the libraries say of themselves.
    version: used.flatMap(({ library }) => library?.build ?? []).join('; ') || null,
  };
}

/** tfjs has momentum but no weight decay: there it is one op more per variable. */
function stock() {
  const momentum = tf.train.momentum(LEARNING_RATE, MOMENTUM);
  const applyGradients = momentum.applyGradients.bind(momentum);
  momentum.applyGradients = (gradients) =>
    tf.tidy(() => {
      const variables = tf.engine().registeredVariables;
      const decayed = Object.entries(gradients).map(([name, gradient]) => [
        name,
        tf.add(gradient, tf.mul(variables[name], WEIGHT_DECAY)),
      ]);
      applyGradients(Object.fromEntries(decayed));
    });
  return {
    optimizer: momentum,
    lossOf: tf.losses.softmaxCrossEntropy,
    version: `tfjs ${tf.version_core}`,
  };
}
