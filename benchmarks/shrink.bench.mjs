/**
 * What a model takes whose units were pruned and taken out, in the time of the same model with zeros in place: predictions
 * and training steps, on the wasm backend as `startBackend` starts it (one thread) and on tfjs' own cpu.
 *
 *     node benchmarks/shrink.bench.mjs [--rounds 15] [--batch 16] [--backends wasm,cpu] [--data <folder of MNIST>]
 *
 * A perceptron (784-512-512-10) and a small convolutional network are trained on 6,400 of MNIST's digits, pruned by
 * magnitude in blocks as long as the kernels to a quarter of their units, and shrunk. Dense and small take turns; a ratio
 * is that of the two in one round. Prints a table; writes it and the figures under benchmarks/results/.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { startBackend } from '@espalier/backend';
import { sparsify } from '@espalier/core';
import { dataFolder } from '@espalier/datasets/data-folder';
import { loadMnist } from '@espalier/datasets/mnist';
import { magnitude } from '@espalier/magnitude';
import { shrink } from '@espalier/shrink';
import * as tf from '@tensorflow/tfjs';

import { count, names, readOptions, text } from './command-line.mjs';

const options = readOptions({
  rounds: count(15),
  batch: count(16),
  backends: names(['wasm', 'cpu']),
  data: text('the folder of the data sets', dataFolder()),
});
const { rounds, batch } = options;
const [TRAINED, TESTED, TRAINING_BATCH] = [6_400, 2_000, 64];
const EPOCHS = 2;
const { layers } = tf;

const NETWORKS = {
  'perceptron 784-512-512-10': () =>
    tf.sequential({
      layers: [
        layers.flatten({ inputShape: [28, 28, 1] }),
        layers.dense({ units: 512, activation: 'relu', kernelInitializer: he(1) }),
        layers.dense({ units: 512, activation: 'relu', kernelInitializer: he(2) }),
        layers.dense({ units: 10, activation: 'softmax', kernelInitializer: he(3) }),
      ],
    }),
  'convolutions 16-32, dense 64': () =>
    tf.sequential({
      layers: [
        layers.conv2d({ ...conv(16, 1), inputShape: [28, 28, 1] }),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.activation({ activation: 'relu' }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d(conv(32, 2)),
        layers.batchNormalization({ momentum: 0.9 }),
        layers.activation({ activation: 'relu' }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 64, activation: 'relu', kernelInitializer: he(3) }),
        layers.dense({ units: 10, activation: 'softmax', kernelInitializer: he(4) }),
      ],
    }),
};

await startBackend('wasm');
const digits = await loadMnist(options.data);
const pairs = [];
for (const [network, make] of Object.entries(NETWORKS)) pairs.push(await pruned(network, make()));

const rows = [];
for (const backend of options.backends) {
  await tf.setBackend(backend);
  console.error(`measuring on ${backend}`);
  for (const pair of pairs) rows.push(await measure(backend, pair));
}
const ratio = ({ median, lower, upper }) => `${median.toFixed(2)} (${lower.toFixed(2)}–${upper.toFixed(2)})`;
const table = [
  '| network | backend | parameters | multiply-adds, M | accuracy, dense → pruned → shrunk | prediction, ms | of 1, × dense | of a batch, × dense | training step, × dense |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(({ network, backend, report, accuracy, predictMs, predictOne, predict, step }) => {
    const { parameters, multiplyAdds } = report;
    const millions = [multiplyAdds.before, multiplyAdds.after].map((n) => (n / 1e6).toFixed(2)).join(' → ');
    const quality = accuracy.map((share) => `${(100 * share).toFixed(2)}%`).join(' → ');
    return `| ${network} | ${backend} | ${parameters.before} → ${parameters.after} | ${millions} | ${quality} | ${predictMs.before.toFixed(1)} → ${predictMs.after.toFixed(1)} | ${ratio(predictOne)} | ${ratio(predict)} | ${ratio(step)} |`;
  }),
].join('\n');
console.log(table);
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const environment = { node: process.version, cpu: processor(), cores: cpus().length };
const written = rows.map(({ report, ...row }) => ({ ...row, ...report }));
const document = {
  schemaVersion: 1,
  date: new Date().toISOString(),
  environment,
  rounds,
  batch,
  rows: written,
};
writeFileSync(new URL('shrink.json', results), `${JSON.stringify(document, null, 2)}\n`);
writeFileSync(
  new URL('shrink.md', results),
  `${environment.cpu}, one thread, Node ${process.version}; wasm as startBackend of @espalier/backend starts it, cpu as tfjs ${tf.version.tfjs} has it; batches of ${batch}; median (quartiles) of ${rounds} rounds. ` +
    `Pruned by magnitude, 75% of the units of each layer but the last, ${EPOCHS} epochs of ${TRAINED} of MNIST's digits; accuracy on ${TESTED} test digits, by one run.\n\n${table}\n`,
);

/** A network trained and pruned to a quarter of its units, with what it is without the others. */
async function pruned(network, model) {
  const compiled = { optimizer: tf.train.adam(1e-3), loss: 'categoricalCrossentropy' };
  const [x, y] = tensorsOf(digits.train, TRAINED);
  const test = tensorsOf(digits.test, TESTED);
  const kernels = model.layers.slice(0, -1).filter(({ kernel }) => kernel);
  const shapes = kernels.map(({ name, kernel: { shape } }) => [
    name,
    [tf.util.sizeFromShape(shape) / shape.at(-1), 1],
  ]);
  const dense = await tf.models.modelFromJSON(model.toJSON(null, false));
  dense.setWeights(model.getWeights());
  const fitting = { epochs: EPOCHS, batchSize: TRAINING_BATCH, shuffle: false, verbose: 0 };
  for (const each of [dense, model]) each.compile({ ...compiled, optimizer: tf.train.adam(1e-3) });
  await dense.fit(x, y, fitting);
  const pruning = await sparsify(model, magnitude(), {
    ...{ sparsity: 0.75, blockShape: shapes[0][1], minimumBlocks: 1 },
    kernels: (name) => shapes.some(([layer]) => name === `${layer}/kernel`),
    overrides: Object.fromEntries(shapes.map(([layer, blockShape]) => [`${layer}/kernel`, { blockShape }])),
    totalSteps: EPOCHS * (TRAINED / TRAINING_BATCH),
  });
  await model.fit(x, y, { ...fitting, callbacks: pruning.callback() });
  const { model: small, report } = await shrink(model, await pruning.finalize());
  const accuracy = [dense, model, small].map((each) => accuracyOf(each, test));
  tf.dispose([x, y, test]);
  dense.dispose();
  const { parameters, multiplyAdds, stayed } = report;
  return { network, model, small, report: { parameters, multiplyAdds, stayed }, accuracy };
}

async function measure(backend, { network, model, small, report, accuracy }) {
  const inputs = tensorsOf(digits.test, batch);
  const one = tensorsOf(digits.test, 1);
  for (const each of [model, small])
    each.compile({ optimizer: tf.train.adam(1e-5), loss: 'categoricalCrossentropy' });
  const predicts =
    ([x]) =>
    (each) =>
    async () => {
      const y = each.predict(x, { batchSize: x.shape[0] });
      await y.data();
      y.dispose();
    };
  const steps = (each) => () => each.trainOnBatch(...inputs);
  const both = (work) => inTurns(work(model), work(small));
  const [predictOne, predict, step] = [
    await both(predicts(one)),
    await both(predicts(inputs)),
    await both(steps),
  ];
  tf.dispose([inputs, one]);
  return {
    ...{ network, backend, report, accuracy, predictMs: predict.ms, stepMs: step.ms },
    ...{ predictOne: predictOne.ratio, predict: predict.ratio, step: step.ratio },
  };
}

async function inTurns(before, after) {
  const times = { before: [], after: [] };
  for (let round = -3; round < rounds; round++) {
    const [dense, small] = [await time(before), await time(after)];
    if (round < 0) continue;
    times.before.push(dense);
    times.after.push(small);
  }
  const ms = { before: quantiles(times.before).median, after: quantiles(times.after).median };
  return { ms, ratio: quantiles(times.after.map((after, i) => after / times.before[i])) };
}

async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

/** The first examples of a split. */
function tensorsOf(examples, size) {
  const { inputs, targets } = examples.gather(Array.from({ length: size }, (_, i) => i));
  const x = tf.tensor(inputs[0], [size, 28, 28, 1]);
  return [x, tf.tidy(() => tf.oneHot(tf.tensor1d(Int32Array.from(targets), 'int32'), 10).toFloat())];
}

function accuracyOf(model, [x, y]) {
  return tf.tidy(() => model.predict(x).argMax(-1).equal(y.argMax(-1)).mean().dataSync()[0]);
}

function conv(filters, seed) {
  return { filters, kernelSize: 3, useBias: false, kernelInitializer: he(seed) };
}

function he(seed) {
  return tf.initializers.heNormal({ seed });
}

/** By `lscpu`, where there is one: a virtual machine's name alone may say little. */
function processor() {
  try {
    const said = execFileSync('lscpu', { encoding: 'utf8' });
    const of = (field) => new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(said)?.[1];
    return `${of('Model name')}, family ${of('CPU family')}, model ${of('Model')}`;
  } catch {
    return cpus()[0].model;
  }
}
