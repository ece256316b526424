/**
 * What each strategy adds to a training step: the MNIST network (784-512-512-10, batch 128, momentum 0.9, weight decay)
 * on the wasm backend, dense and under six strategies at 90% of 16 × 16 blocks, each with masked dense products and
 * with sparse phases.
 *
 *     node benchmarks/strategy-step.bench.mjs [--rounds 80] [--steps 10] [--strategies str,…]
 *
 * All take turns in one process, `steps` at a time, so that each has been through its whole schedule after the last
 * round. A ratio is that of a strategy's time of a round to the mean of the dense network's just before and just after
 * it, and what is shown of ratios is their median and quartiles: on a machine that does other things, too, what slows
 * down a round slows down its neighbours. They are told for the rounds under a mask and for those in which every block is
 * kept, where there are both, and over the whole schedule, where the ratio is that of the sums, of rounds without the
 * slowest twentieth. Beside wall time stands the processor's, which other processes touch less. The inputs are random: a
 * step takes as long for them as for digits. Prints a table; writes it and the figures under benchmarks/results/.
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
  rounds: count(80),
  steps: count(10),
  strategies: names(STRATEGIES),
});
const CLASSES = 10;
const BATCH = 128;
const WARM_UP = 10;

const { device } = await startBackend('wasm');
const inputs = tf.randomUniform([BATCH, 784], 0, 1, 'float32', 1);
const labels = tf.tidy(() => tf.oneHot(tf.randomUniform([BATCH], 0, CLASSES, 'int32', 2), CLASSES).toFloat());

const dense = await contestant('dense', null, null);
/** The dense network once more: what its ratios are off 1 is noise. */
const others = [await contestant('dense, again', null, null)];
for (const name of strategies) {
  const { default: strategy } = await import(`@espalier/${name}`);
  others.push(await contestant(name, strategy(), null), await contestant(name, strategy(), sparsePhases()));
}
/** Of each, what its rounds took, with what the dense network's beside them did. */
const measured = others.map(() => []);
const denseRounds = [];
for (let round = 0; round < rounds; round++) {
  let before = await timed(dense);
  for (const [i, other] of others.entries()) {
    const own = await timed(other);
    const after = await timed(dense);
    denseRounds.push(after);
    measured[i].push({
      ...own,
      wallRatio: (2 * own.wallMs) / (before.wallMs + after.wallMs),
      cpuRatio: (2 * own.cpuMs) / (before.cpuMs + after.cpuMs),
      denseWallMs: (before.wallMs + after.wallMs) / 2,
    });
    before = after;
  }
}

const rows = others.flatMap(({ name, sparse }, i) => {
  const all = measured[i];
  const row = (part, of) => ({
    strategy: name,
    sparsePhases: sparse,
    part,
    rounds: of.length,
    stepMs: quantiles(of.map(({ wallMs }) => wallMs)),
    ratio: quantiles(of.map(({ wallRatio }) => wallRatio)),
    cpuRatio: quantiles(of.map(({ cpuRatio }) => cpuRatio)),
  });
  const parts = [
    ['masked', all.filter(({ sparsity }) => sparsity > 0)],
    ['every block kept', all.filter(({ sparsity }) => sparsity === 0)],
  ].filter(([, of]) => of.length > 0);
  return [
    ...parts.map(([part, of]) => row(part, of)),
    { ...row('whole schedule', all), wholeSchedule: ofSums(all) },
  ];
});
const table = [
  `Dense: ${quantiles(denseRounds.map(({ wallMs }) => wallMs)).median.toFixed(2)} ms a step. ${cpus()[0].model}, ${process.version}.`,
  '',
  '| strategy | sparse phases | rounds | step, ms | × dense, median (quartiles) | processor time, × dense | × dense, sums |',
  '| --- | --- | --- | ---: | ---: | ---: | ---: |',
  ...rows.map(
    ({ strategy, sparsePhases: sparse, part, rounds: count, stepMs, ratio, cpuRatio, wholeSchedule }) => {
      const spread = ({ median, lower, upper }) =>
        `${median.toFixed(3)} (${lower.toFixed(3)}–${upper.toFixed(3)})`;
      return `| ${strategy} | ${sparse ? 'on' : 'off'} | ${part}, ${count} | ${stepMs.median.toFixed(2)} | ${spread(ratio)} | ${spread(cpuRatio)} | ${wholeSchedule?.toFixed(3) ?? ''} |`;
    },
  ),
].join('\n');
console.log(table);
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const environment = { node: process.version, cpu: cpus()[0].model, cores: cpus().length, device };
const report = { schemaVersion: 2, date: new Date().toISOString(), environment, rounds, steps, rows };
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
  return { name, sparse: execution !== null, step, sparsity: () => pruning?.sparsity ?? 0 };
}

/** The median step of a round by the clock, the mean by the processor, and the sparsity before it. */
async function timed({ step, sparsity }) {
  const before = { sparsity: sparsity(), cpu: process.cpuUsage() };
  const times = [];
  for (let i = 0; i < steps; i++) {
    const start = performance.now();
    await step();
    times.push(performance.now() - start);
  }
  const wallMs = quantiles(times).median;
  const { user, system } = process.cpuUsage(before.cpu);
  return { sparsity: before.sparsity, wallMs, cpuMs: (user + system) / 1000 / steps };
}

/** Of a strategy's times to those of the dense network beside them, without the slowest twentieth of either. */
function ofSums(all) {
  const limit = (values) => [...values].sort((a, b) => a - b)[Math.floor(0.95 * (values.length - 1))];
  const most = limit(all.map(({ wallRatio }) => wallRatio));
  const most2 = limit(all.map(({ denseWallMs }) => denseWallMs));
  const kept = all.filter(({ wallRatio, denseWallMs }) => wallRatio <= most && denseWallMs <= most2);
  return sum(kept.map(({ wallMs }) => wallMs)) / sum(kept.map(({ denseWallMs }) => denseWallMs));
}

function sum(values) {
  return values.reduce((a, b) => a + b);
}

function quantiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}
