/**
 * Models that are published on npm with their weights, and two that are trained here, through the whole way: pruned,
 * compressed, quantised, saved, loaded, asked. Sizes, times of a prediction, and how far outputs move, as a table.
 *
 *     node benchmarks/published-models.bench.mjs [--models inception,digits-perceptron]
 *
 * The published ones are fetched by `npm pack` into the user's cache, once. They are pruned by magnitude in one shot, and
 * not trained after that: nobody would ship what they answer then. What is asked is what the files and the layers do.
 */
import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startBackend } from '@espalier/backend';
import { compress, quantizationReport } from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { sparsify } from '@espalier/core';
import { loadDigits } from '@espalier/datasets/digits';
import { magnitude } from '@espalier/magnitude';
import { resnet } from '@espalier/models';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import * as tf from '@tensorflow/tfjs';

import { names, readOptions } from './command-line.mjs';

const image = (side) => () => tf.randomUniform([1, side, side, 3], 0, 1, 'float32', 7);
const nsfw = { package: 'nsfwjs@4.3.0' };
const models = {
  'mobilenet-v2': { ...nsfw, load: embedded('mobilenet_v2'), input: image(224), blockShape: [8, 8] },
  inception: { ...nsfw, load: embedded('inception_v3'), input: image(299), blockShape: [16, 16] },
  'upscaler-default': {
    package: '@upscalerjs/default-model@1.0.0',
    load: folder('models'),
    input: image(64),
    blockShape: [8, 8],
  },
  'esrgan-slim-4x': {
    package: '@upscalerjs/esrgan-slim@1.0.0',
    load: folder('models/x4'),
    input: image(64),
    blockShape: [8, 8],
  },
  'digits-perceptron': { train: perceptron, blockShape: [8, 8], sparsity: 0.8 },
  'digits-resnet': { train: residual, blockShape: [4, 4], sparsity: 0.7 },
};

const { models: chosen } = readOptions({ models: names(Object.keys(models)) });

await startBackend('wasm');
const rows = [];
for (const name of chosen) {
  console.error(name);
  rows.push(await row(name, models[name]));
}
console.log(`${cpus()[0].model}, Node ${process.version}, wasm, one thread.\n`);
console.log(markdown(rows));

async function row(name, { package: from, load, train, input, blockShape, sparsity = 0.9 }) {
  const target = { sparsity, blockShape };
  const found = from ? await load(await unpacked(from)) : await train(target);
  const { model, published } = found;
  const x = input ? input() : found.x;
  const dense = { ms: await time(model, x), bytes: 4 * model.countParams() };
  const pruned = from ? await oneShot(model, target) : found.report;
  const before = await outputOf(model, x);
  const small = await compress(model, pruned);
  const { bytes, worstOutputChange } = await quantizationReport(small, 'uint8', x);
  const place = await mkdtemp(join(cache(), 'saved-'));
  try {
    await small.save(fileSystem(join(place, 'float32')));
    await small.save(fileSystem(join(place, 'uint8')), { quantize: 'uint8' });
    const loaded = await tf.loadLayersModel(fileSystem(join(place, 'float32')));
    const rounded = await tf.loadLayersModel(fileSystem(join(place, 'uint8')));
    const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const files = await Promise.all(['float32', 'uint8'].map((one) => filesIn(join(place, one))));
    if (files[1] < bytes) throw new Error(`${name}: ${files[1]} bytes hold less than ${bytes}`);
    return {
      model: name,
      pruned: `${percent(sparsity)} of ${blockShape.join(' × ')}`,
      'as published, MB': published ? megabytes(published) : '—',
      'float32, MB': megabytes(dense.bytes),
      'pruned and compressed': megabytes(files[0]),
      'and uint8': megabytes(files[1]),
      'ms, dense': dense.ms.toFixed(1),
      'ms, compressed': (await time(loaded, x)).toFixed(1),
      'outputs move, compressed': scaled(furthest(before, await outputOf(loaded, x)), largest),
      'outputs move, uint8': scaled(
        Math.max(worstOutputChange, furthest(before, await outputOf(rounded, x))),
        largest,
      ),
      accuracy: found.accuracy
        ? `${percent(found.accuracy)}, uint8 ${percent(accuracyOf(rounded, found))}`
        : '—',
    };
  } finally {
    await rm(place, { recursive: true });
  }
}

/** Zeros in place, by the magnitude of blocks, before any training. */
async function oneShot(model, target) {
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const pruning = await sparsify(model, magnitude(), { ...target, totalSteps: 2 });
  return pruning.finalize();
}

async function perceptron(target) {
  const { dense } = tf.layers;
  const relu = (units, more) =>
    dense({ units, activation: 'relu', kernelInitializer: glorot(units), ...more });
  const layers = [
    relu(256, { inputShape: [64] }),
    relu(256),
    dense({ units: 10, kernelInitializer: glorot(1) }),
  ];
  return trained(tf.sequential({ layers }), [64], target, 0.05);
}

function residual(target) {
  const stages = [16, 32].map((filters) => ({ filters, blocks: 1 }));
  const settings = { stem: 'small', shortcuts: 'padded', seed: 3 };
  const network = resnet({ inputShape: [8, 8, 1], classes: 10, stages, ...settings });
  return trained(network, [8, 8, 1], target, 0.01);
}

async function trained(model, shape, target, learningRate) {
  const { train, test } = await loadDigits();
  const [data, held] = [tensorsOf(train, shape), tensorsOf(test, shape)];
  const [epochs, batchSize] = [30, 32];
  const loss = (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits);
  model.compile({ optimizer: tf.train.momentum(learningRate, 0.9), loss });
  const totalSteps = epochs * Math.ceil(data.x.shape[0] / batchSize);
  const how = { ...target, totalSteps, minimumBlocks: 8 };
  const pruning = await sparsify(model, sequentialAttentionPlusPlus(), how);
  await model.fit(data.x, data.y, { epochs, batchSize, verbose: 0, callbacks: pruning.callback() });
  const report = await pruning.finalize();
  return { model, report, ...held, accuracy: accuracyOf(model, held) };
}

function tensorsOf(examples, shape) {
  const { inputs, targets } = examples.gather(Array.from({ length: examples.count }, (_, i) => i));
  return {
    x: tf.tensor(inputs[0], [examples.count, ...shape]),
    y: tf.oneHot(tf.tensor1d(targets, 'int32'), 10).toFloat(),
  };
}

function accuracyOf(model, { x, y }) {
  return tf.tidy(() => model.predict(x).argMax(-1).equal(y.argMax(-1)).toFloat().mean().dataSync()[0]);
}

function glorot(seed) {
  return tf.initializers.glorotUniform({ seed });
}

/** Whose files are JavaScript, with the weights in base64. */
function embedded(name) {
  return async (root) => {
    const require = createRequire(import.meta.url);
    const part = (file) => require(join(root, 'dist/models', name, file));
    const { modelTopology, weightsManifest } = part('model.min.js');
    const shards = weightsManifest.flatMap(({ paths }) => paths).map((path) => part(`${path}.min.js`));
    const weightData = new Uint8Array(Buffer.concat(shards.map((shard) => Buffer.from(shard, 'base64'))))
      .buffer;
    const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
    const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    return { model, published: weightData.byteLength };
  };
}

function folder(name) {
  return async (root) => {
    const place = join(root, name);
    const { weightsManifest } = JSON.parse(await readFile(join(place, 'model.json'), 'utf8'));
    const files = weightsManifest.flatMap(({ paths }) => paths);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(place, file))).size));
    return {
      model: await tf.loadLayersModel(fileSystem(place)),
      published: sizes.reduce((sum, size) => sum + size, 0),
    };
  };
}

function cache() {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier', 'published-models');
}

/** The folder of a package's files. */
async function unpacked(from) {
  const place = join(cache(), from.replaceAll(/[^\w.-]/g, '_'));
  if (!existsSync(place)) {
    const run = promisify(execFile);
    const work = `${place}.part-${process.pid}`;
    await mkdir(work, { recursive: true });
    const { stdout } = await run('npm', ['pack', from, '--silent'], { cwd: work });
    await run('tar', ['xzf', stdout.trim()], { cwd: work });
    await rename(work, place);
  }
  return join(place, 'package');
}

async function filesIn(place) {
  const { weightsManifest } = JSON.parse(await readFile(join(place, 'model.json'), 'utf8'));
  const all = ['model.json', ...weightsManifest.flatMap(({ paths }) => paths)];
  const sizes = await Promise.all(all.map(async (file) => (await stat(join(place, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The median of several predictions, after two. */
async function time(model, x) {
  const times = [];
  for (let i = 0; i < 11; i++) {
    const start = performance.now();
    await outputOf(model, x);
    times.push(performance.now() - start);
  }
  return times.slice(2).sort((a, b) => a - b)[4];
}

async function outputOf(model, x) {
  const y = model.predict(x);
  const values = [...(await y.data())];
  y.dispose();
  return values;
}

function furthest(one, other) {
  return one.reduce((worst, value, i) => Math.max(worst, Math.abs(value - other[i])), 0);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 3 : 2);
}

function percent(part) {
  return `${(100 * part).toFixed(1)}%`;
}

/** Of the largest output. */
function scaled(change, largest) {
  return (change / largest).toExponential(0);
}

function markdown(lines) {
  const titles = Object.keys(lines[0]);
  const line = (parts) => `| ${parts.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...lines.map((one) => line(Object.values(one)))].join(
    '\n',
  );
}
