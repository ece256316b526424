/**
 * How attention logits are best trained: one-shot softmax attention and SequentialAttention++ under rules for their
 * logits, beside magnitude, on small tasks, judged on validation splits cut from the training examples. The figures of
 * docs/attention-rate.md.
 *
 *     node benchmarks/attention-rate.bench.mjs --task mnist-part --methods "softmax travel=8,spp travel=8"
 *         [--sparsity 0.9,0.95] [--block 16,32] [--epochs 5,20] [--seeds 0,1]
 *
 * A method is `dense`, `magnitude`, `softmax` or `spp`, with settings: those of the strategy (`travel=optimizer`,
 * `temperature=0.25`, `dense=0.25`), `early` for travel that is over when the blocks are pruned, `drifting` for logits of
 * pruned blocks that do not stand still, `flat` for travel that does not fall along a cosine. What was trained already is not
 * trained again: results/attention-rate.json has every run. Prints the table of all of them, and writes it beside.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { startBackend } from '@espalier/backend';
import { sparsePhases } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { permutation, random } from '@espalier/datasets';
import { magnitude } from '@espalier/magnitude';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { softmaxAttentionPruning } from '@espalier/softmax-attention';
import { useAccelerators } from '@espalier/wasm-training/accelerators';
import * as tf from '@tensorflow/tfjs';

import { listOf, readOptions, text } from './command-line.mjs';
import { tasks } from './attention-rate.tasks.mjs';

const number = (given) => (/^\d*\.?\d+$/.test(given) ? Number(given) : null);
const options = readOptions({
  task: text(`one of ${Object.keys(tasks).join(', ')}`, 'planted'),
  methods: listOf('magnitude', "a method, such as 'softmax travel=8'", (given) => given.trim() || null),
  sparsity: listOf('0.9', 'a share below 1', number),
  block: { ...listOf('1', 'rows and columns of a block', number), usual: null },
  epochs: { ...listOf('1', 'a number of epochs', number), usual: null },
  seeds: listOf('0,1', 'a seed', number),
});
const RESULTS = new URL('results/attention-rate.json', import.meta.url);
const MAKERS = { magnitude, softmax: softmaxAttentionPruning, spp: sequentialAttentionPlusPlus };
const RULES = ['early', 'drifting', 'flat'];
const EVALUATION_BATCH = 1000;

const task = tasks[options.task] ?? tasks.planted;
await startBackend('wasm');
await useAccelerators('auto', { threads: 1 });
for (const seed of options.seeds) {
  const data = await task.load(process.env.ESPALIER_DATA, seed);
  for (const sparsity of options.sparsity) {
    for (const block of options.block ?? [task.blockShape[0]]) {
      for (const epochs of options.epochs ?? [task.epochs]) {
        for (const method of options.methods) {
          const run = { task: options.task, method, sparsity, block, epochs, seed };
          if (stored().some((other) => Object.keys(run).every((key) => other[key] === run[key]))) continue;
          const result = {
            ...run,
            ...(await trained(data, run)),
            date: new Date().toISOString().slice(0, 10),
          };
          console.log(JSON.stringify(result));
          store([...stored(), result]);
        }
      }
    }
  }
}
console.log(tableOf(stored()));

/** The strategy of a method, and the rule for its logits. */
function strategyOf(method) {
  const [name, ...parts] = method.split(/\s+/);
  if (name === 'dense') return null;
  const rules = parts.filter((part) => RULES.includes(part));
  const settings = Object.fromEntries(
    parts
      .filter((part) => part.includes('='))
      .map((part) => part.split('='))
      .map(([key, value]) => [key, number(value) ?? value]),
  );
  const pruner = MAKERS[name](settings);
  const own = { ...pruner, parameterisation: ruled(pruner, rules) };
  return rules.includes('drifting') ? drifting(own) : own;
}

function ruled({ parameterisation, search }, rules) {
  const { logits } = parameterisation.learningRates ?? {};
  if (!logits) return parameterisation;
  // The share of training until the last choice of blocks.
  const until = search.phases.slice(0, -1).reduce((sum, { length }) => sum + length, 0);
  let rate = logits;
  if (rules.includes('early')) {
    rate = (kernel, step, total) => {
      const steps = Math.round(until * total);
      return step < steps ? logits(kernel, step, steps) : 0;
    };
  }
  if (rules.includes('flat'))
    rate = (kernel, _, total) => (logits(kernel, 0, total) * (total + 1)) / (2 * total);
  return { ...parameterisation, learningRates: { logits: rate } };
}

/** The logits are no longer one number a block to core, which then does not know which are of pruned ones. */
function drifting(pruner) {
  const { trainables, blockScale } = pruner.parameterisation;
  const plain = ({ logits }, { grid }) => ({ logits: logits.reshape(grid.gridShape) });
  return {
    ...pruner,
    parameterisation: {
      ...pruner.parameterisation,
      trainables: (kernel) => ({ logits: trainables(kernel).logits.expandDims() }),
      blockScale: (raw, added, kernel) => blockScale(raw, plain(added, kernel), kernel),
    },
    importance: {
      ...pruner.importance,
      score: (kernel) => pruner.importance.score({ ...kernel, trainables: plain(kernel.trainables, kernel) }),
    },
  };
}

async function trained(data, { method, sparsity, block, epochs, seed }) {
  const pruner = strategyOf(method);
  const model = await task.model(seed, data);
  const optimizer = task.optimizer();
  const stepsOfEpoch = Math.ceil(data.train.count / task.batchSize);
  const totalSteps = epochs * stepsOfEpoch;
  const target = { ...task.target, sparsity, blockShape: [block, block], totalSteps, seed, optimizer };
  const pruning = pruner && (await sparsify(model, pruner, { ...target, sparsePhases: sparsePhases() }));
  const variables = model.trainableWeights.map((weight) => weight.read());
  const started = process.cpuUsage();
  for (let step = 0; step < totalSteps; step++) {
    const epoch = Math.floor(step / stepsOfEpoch);
    if (step % stepsOfEpoch === 0) order = permutation(data.train.count, random(seed, `batches/${epoch}`));
    const first = (step % stepsOfEpoch) * task.batchSize;
    const batch = await tensorsOf(data.train, order.subarray(first, first + task.batchSize));
    optimizer.learningRate = task.learningRate(step / totalSteps);
    const loss = () => task.task.loss(model.apply(batch.inputs, { training: true }), batch.targets);
    optimizer.minimize(loss, false, variables);
    tf.dispose(batch);
    await pruning?.step();
  }
  const { user, system } = process.cpuUsage(started);
  const attention = pruning && attentionOf(pruning);
  await pruning?.finalize();
  const quality = await evaluated(model, data.validation);
  optimizer.dispose();
  model.dispose();
  return { ...quality, attention, seconds: Math.round((user + system) / 1e6) };
}

var order;

/** Lowest, median and highest factor of the kept blocks, over all kernels; null without attention. */
function attentionOf({ kernels }) {
  const factors = kernels.flatMap((kernel) => {
    if (!kernel.trainables.logits) return [];
    const scale = tf.tidy(() => kernel.factors().blockScale.dataSync().slice());
    return Array.from(scale).filter((_, block) => kernel.mask[block]);
  });
  if (factors.length === 0) return null;
  factors.sort((a, b) => a - b);
  return [factors[0], factors[factors.length >> 1], factors.at(-1)].map((value) => Number(value.toFixed(3)));
}

async function tensorsOf({ inputs, target, gather }, indices) {
  const batch = await gather(indices);
  const shapeOf = ({ shape }, own) => [indices.length, ...(own ?? shape)];
  const made = inputs.map((field, i) =>
    tf.tensor(batch.inputs[i], shapeOf(field, task.inputShape), field.type),
  );
  return {
    inputs: made.length === 1 ? made[0] : made,
    targets: tf.tensor(batch.targets, shapeOf(target), target.type),
  };
}

async function evaluated(model, examples) {
  let [loss, right] = [0, 0];
  for (let first = 0; first < examples.count; first += EVALUATION_BATCH) {
    const size = Math.min(EVALUATION_BATCH, examples.count - first);
    const batch = await tensorsOf(
      examples,
      Int32Array.from({ length: size }, (_, i) => first + i),
    );
    tf.tidy(() => {
      const outputs = model.apply(batch.inputs, { training: false });
      loss += size * task.task.loss(outputs, batch.targets).dataSync()[0];
      if (task.task.name === 'classification')
        right += outputs.argMax(1).equal(batch.targets).sum().dataSync()[0];
    });
    tf.dispose(batch);
  }
  const accuracy = task.task.name === 'classification' ? right / examples.count : null;
  return { loss: loss / examples.count, accuracy };
}

function stored() {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')).runs : [];
}

function store(runs) {
  mkdirSync(new URL('.', RESULTS), { recursive: true });
  const lines = runs.map((run) => `    ${JSON.stringify(run)}`).join(',\n');
  written(RESULTS, `{\n  "processor": ${JSON.stringify(cpus()[0].model)},\n  "runs": [\n${lines}\n  ]\n}\n`);
  written(new URL('attention-rate.md', RESULTS), `${tableOf(runs)}\n`);
}

function written(file, content) {
  const partial = new URL(`${file.href}.partial`);
  writeFileSync(partial, content);
  renameSync(partial, file);
}

/** A table a task: methods down, targets across; the mean over seeds, and the attention of the first of them. */
function tableOf(runs) {
  const parts = Object.entries(tasks).flatMap(([name, { title, task: of, blockShape, epochs: usual }]) => {
    const own = runs.filter((run) => run.task === name);
    if (own.length === 0) return [];
    const targetOf = ({ sparsity, block, epochs }) =>
      [`${block} × ${block}`, `${100 * sparsity}%`, ...(epochs === usual ? [] : [`${epochs} epochs`])].join(
        ', ',
      );
    const columns = [...new Set(own.map(targetOf))].sort();
    const methods = [...new Set(own.map(({ method }) => method))].sort();
    const measure = of.name === 'classification' ? 'accuracy' : 'loss';
    const cell = (method, column) => {
      const cells = own.filter((run) => run.method === method && targetOf(run) === column);
      if (cells.length === 0) return '';
      const mean = cells.reduce((sum, run) => sum + run[measure], 0) / cells.length;
      const shown = mean.toFixed(4);
      return `${shown}${cells.length === 2 ? '' : ` (${cells.length})`}`;
    };
    return [
      `## ${title}\n\nValidation ${measure}, ${usual} epochs, blocks of ${blockShape.join(' × ')}; the mean over seeds 0 and 1 unless another number of seeds stands behind it.\n`,
      `| method | ${columns.join(' | ')} |`,
      `| --- | ${columns.map(() => '---:').join(' | ')} |`,
      ...methods.map(
        (method) => `| ${method} | ${columns.map((column) => cell(method, column)).join(' | ')} |`,
      ),
      '',
    ];
  });
  const dates = [...new Set(runs.map(({ date }) => date))].sort();
  return [
    `${cpus()[0].model}, ${dates.join(', ')}. By \`benchmarks/attention-rate.bench.mjs\`.\n`,
    ...parts,
  ].join('\n');
}
