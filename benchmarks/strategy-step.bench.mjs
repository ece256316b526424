/**
 * What each strategy adds to a training step: the MNIST network (784-512-512-10, batch 128, momentum 0.9, weight decay)
 * on the wasm backend, dense and under six strategies at 90% of 16 × 16 blocks, each with masked dense products and
 * with sparse phases.
 *
 *     node benchmarks/strategy-step.bench.mjs [--rounds 40] [--steps 20] [--strategies str,…]
 *
 * All take turns in one process, `steps` at a time, so that each has been through its whole schedule after the last
 * round. A ratio is that of a strategy's median step to the dense network's in the same round; over the whole schedule,
 * that of the sums of the medians. The inputs are random: a step takes as long for them as for digits. Prints a table; writes it and the figures under benchmarks/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { startBackend } from '@espalier/backend';
import { sparsePhases } from '@espalier/block-sparse';
import { sparsify } from '@espalier/core';
import { multilayerPerceptron } from '@espalier/models';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import { count, names, readOptions } from './command-line.mjs';

/** Each is the default export of the package of its name. */
const STRATEGIES = [
  'magnitude',
  'acdc',
  'powerpropagation',
  'str',
  'softmax-attention',
  'sequential-attention-plus-plus',
];
const { rounds, steps, strategies } = readOptions({
  rounds: count(40),
  steps: count(20),
  strategies: names(STRATEGIES),
});
const CLASSES = 10;
const BATCH = 128;
const WARM_UP = 10;

const { device } = await startBackend('wasm');
const inputs = tf.randomUniform([BATCH, 784], 0, 1, 'float32', 1);
const labels = tf.tidy(() => tf.oneHot(tf.randomUniform([BATCH], 0, CLASSES, 'int32', 2), CLASSES).toFloat());

const contestants = [await contestant('dense', null, null)];
for (const name of strategies) {
  const { default: strategy } = await import(`@espalier/${name}`);
  contestants.push(
    await contestant(name, strategy(), null),
    await contestant(name, strategy(), sparsePhases()),
  );
}
const medians = contestants.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const [i, { step }] of contestants.entries()) medians[i].push(await medianMs(step));
}

const sum = (values) => values.reduce((a, b) => a + b);
const rows = contestants.map(({ name, sparse }, i) => ({
  strategy: name,
  sparsePhases: sparse,
  stepMs: quantiles(medians[i]),
  ratio: quantiles(medians[i].map((ms, round) => ms / medians[0][round])),
  wholeSchedule: sum(medians[i]) / sum(medians[0]),
}));
const table = [
  '| strategy | sparse phases | step, ms | × dense, median (quartiles over the rounds) | × dense, whole schedule |',
  '| --- | --- | ---: | ---: | ---: |',
  ...rows.map(({ strategy, sparsePhases: sparse, stepMs, ratio, wholeSchedule }) => {
    const quartiles = `${ratio.lower.toFixed(3)}–${ratio.upper.toFixed(3)}`;
    return `| ${strategy} | ${sparse ? 'on' : 'off'} | ${stepMs.median.toFixed(2)} | ${ratio.median.toFixed(3)} (${quartiles}) | ${wholeSchedule.toFixed(3)} |`;
  }),
].join('\n');
console.log(table);
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const environment = { node: process.version, cpu: cpus()[0].model, cores: cpus().length, device };
const report = { schemaVersion: 1, date: new Date().toISOString(), environment, rounds, steps, rows };
writeFileSync(new URL('strategy-step.json', results), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(new URL('strategy-step.md', results), `${table}\n`);

/** A network of its own under a strategy, and one step of its training as a loop of one's own does it. */
async function contestant(name, pruner, execution) {
  const model = multilayerPerceptron({ inputs: 784, hidden: [512, 512], outputs: CLASSES, seed: 0 });
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 });
  const pruning =
    pruner &&
    (await sparsify(model, pruner, {
      sparsity: 0.9,
      blockShape: [16, 16],
      totalSteps: WARM_UP + rounds * steps,
      optimizer,
      sparsePhases: execution,
    }));
  const variables = model.trainableWeights.map((weight) => weight.read());
  const step = async () => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(labels, model.apply(inputs, { training: true })),
      true,
      variables,
    );
    await pruning?.step();
    loss.dataSync();
    loss.dispose();
  };
  for (let i = 0; i < WARM_UP; i++) await step();
  return { name, sparse: execution !== null, step };
}

async function medianMs(step) {
  const times = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await step();
    times.push(performance.now() - start);
  }
  return quantiles(times).median;
}

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}
