// One side of the training-step benchmark, in a process of its own since kernels are registered for the whole
// process: `node training-step.worker.mjs <stock|espalier|blas> <workload> <seconds> [threads] [library]` prints one
// line of JSON. The threads are those of the products, by the kernels or by the BLAS library, which is looked for unless
// it is given.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { Bench } from 'tinybench';

const WORKLOADS = {
  mnist: { batch: 128, build: () => dense([784, 512, 512, 10]) },
  wide: { batch: 128, build: () => dense([2048, 2048, 2048, 10]) },
  resnet20: { batch: 64, build: resnet20 },
};
const CLASSES = 10;
const LEARNING_RATE = 0.01;
const MOMENTUM = 0.9;
const WEIGHT_DECAY = 5e-4;

const [side, workload, seconds, threads = '1', choice = 'auto'] = process.argv.slice(2);
const { batch, build } = WORKLOADS[workload];

await tf.setBackend('wasm');
const optimizer = side === 'stock' ? stockOptimizer() : await espalierOptimizer();
const lossOf = side === 'stock' ? tf.losses.softmaxCrossEntropy : await espalierLoss();
const blas = side === 'blas' ? await startBlas() : null;
if (side === 'espalier' && Number(threads) > 1) await startThreads();
const model = build();
const inputs = tf.randomUniform([batch, ...model.inputs[0].shape.slice(1)], 0, 1, 'float32', 1);
const classes = tf.randomUniform([batch], 0, CLASSES, 'int32', 2);
const labels = tf.tidy(() => tf.oneHot(classes, CLASSES).toFloat());

const losses = [];
for (let i = 0; i < 3; i++) losses.push(step());
const bench = new Bench({ time: Number(seconds) * 1000, warmup: false, iterations: 3 });
bench.add(workload, step);
const cpuBefore = process.cpuUsage();
await bench.run();
const { user, system } = process.cpuUsage(cpuBefore);
const { result } = bench.tasks[0];
if (result.state !== 'completed') throw result.error ?? new Error(`The benchmark is ${result.state}.`);
const { latency } = result;
console.log(
  JSON.stringify({
    side,
    workload,
    ...(blas && { blas }),
    batch,
    samples: latency.samplesCount,
    stepMs: { median: latency.p50, min: latency.min, p75: latency.p75 },
    // Time on the processor: what the step costs when nothing else runs, also on a machine that is busy.
    cpuMs: (user + system) / 1000 / latency.samplesCount,
    examplesPerSecond: (1000 * batch) / latency.p50,
    losses,
    tensors: tf.memory().numTensors,
    peakMemoryMB: process.resourceUsage().maxRSS / 1024,
  }),
);

/** One step of a hand-written loop; the loss is read, as a loop that reports it would. */
function step() {
  const loss = optimizer.minimize(() => lossOf(labels, model.apply(inputs, { training: true })), true);
  const value = loss.dataSync()[0];
  loss.dispose();
  if (!Number.isFinite(value)) throw new Error(`The loss is ${value}.`);
  return value;
}

async function espalierLoss() {
  await import('@espalier/wasm-training');
  const { softmaxCrossEntropy } = await import('@espalier/optimizers');
  return softmaxCrossEntropy;
}

/** Fully connected layers with ReLU between them; logits at the end. */
function dense([inputs, ...units]) {
  return tf.sequential({
    layers: units.map((width, i) =>
      tf.layers.dense({
        units: width,
        kernelInitializer: tf.initializers.heNormal({ seed: i + 3 }),
        ...(i < units.length - 1 && { activation: 'relu' }),
        ...(i === 0 && { inputShape: [inputs] }),
      }),
    ),
  });
}

/** ResNet-20 for 32 × 32 × 3 (He et al., 2016, section 4.2), with projections where the width changes. */
function resnet20() {
  let seed = 3;
  const convolution = (x, filters, kernelSize, strides) =>
    tf.layers
      .conv2d({
        filters,
        kernelSize,
        strides,
        padding: 'same',
        useBias: false,
        kernelInitializer: tf.initializers.heNormal({ seed: seed++ }),
      })
      .apply(x);
  const normalise = (x) => tf.layers.batchNormalization().apply(x);
  const relu = (x) => tf.layers.activation({ activation: 'relu' }).apply(x);
  const input = tf.input({ shape: [32, 32, 3] });
  let x = relu(normalise(convolution(input, 16, 3, 1)));
  for (const [stage, filters] of [16, 32, 64].entries()) {
    for (let block = 0; block < 3; block++) {
      const strides = stage > 0 && block === 0 ? 2 : 1;
      const main = relu(normalise(convolution(x, filters, 3, strides)));
      const sum = normalise(convolution(main, filters, 3, 1));
      const shortcut = strides === 1 ? x : normalise(convolution(x, filters, 1, strides));
      x = relu(tf.layers.add().apply([sum, shortcut]));
    }
  }
  x = tf.layers.globalAveragePooling2d({ dataFormat: 'channelsLast' }).apply(x);
  const logits = tf.layers.dense({ units: CLASSES, kernelInitializer: tf.initializers.heNormal({ seed }) });
  return tf.model({ inputs: input, outputs: logits.apply(x) });
}

async function startThreads() {
  const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
  await useAccelerators(['threads'], { threads: Number(threads) });
}

/** What the library says of itself. */
async function startBlas() {
  const { useAccelerators } = await import('@espalier/wasm-training/accelerators');
  const asked = choice === 'auto' ? 'blas' : `blas:${choice}`;
  const [{ library }] = await useAccelerators([asked], { threads: Number(threads) });
  return library.build;
}

async function espalierOptimizer() {
  await import('@espalier/wasm-training');
  const { sgd } = await import('@espalier/optimizers');
  return sgd({ learningRate: LEARNING_RATE, momentum: MOMENTUM, weightDecay: WEIGHT_DECAY });
}

/** tfjs has momentum but no weight decay: there it is one op more per variable. */
function stockOptimizer() {
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
  return momentum;
}
