/**
 * What one choice of blocks costs where every weight is a block: the step of a run that chooses among 1.5 million
 * weights, scores and all, in training steps of the MNIST network (784-512-512-10, batch 128, momentum 0.9, weight
 * decay) on the wasm backend.
 *
 *     node benchmarks/choosing.bench.mjs [--rounds 15] [--strategies magnitude,…] [--allocations uniform,global]
 *
 * Each round takes a training step and then a choice, of a run that is put back before it and has seen a gradient; a
 * ratio is that of the two in one round. Prints a table; writes it and the figures under benchmarks/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { startBackend } from '@espalier/backend';
import { allocations, phaseAt, placePhases, progressAt, selectsAt, sparsify } from '@espalier/core';
import { multilayerPerceptron } from '@espalier/models';
import { sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import { count, names, readOptions } from './command-line.mjs';

/** Each is the default export of the package of its name. */
const STRATEGIES = [
  'magnitude',
  'gmp',
  'acdc',
  'rigl',
  'structured-dst',
  'omp',
  'sequential-attention',
  'random',
];
const options = readOptions({
  rounds: count(15),
  strategies: names(STRATEGIES),
  allocations: names(Object.keys(allocations), ['uniform', 'global']),
});
const { rounds } = options;
const TOTAL_STEPS = 2000;
const WARM_UP = 5;
/** 1.5 million weights. */
const SHAPES = { first: [1000, 1000], second: [1000, 500] };

const { device } = await startBackend('wasm');
const trainingStep = mnistStep();
for (let i = 0; i < WARM_UP; i++) trainingStep();

const rows = [];
for (const strategy of options.strategies) {
  for (const allocation of options.allocations) rows.push(await measure(strategy, allocation));
}
const table = [
  '| strategy | allocation | training step, ms | choice, ms | training steps, median (quartiles) |',
  '| --- | --- | ---: | ---: | ---: |',
  ...rows.map(({ strategy, allocation, stepMs, choiceMs, ratio }) => {
    const quartiles = `${ratio.lower.toFixed(1)}–${ratio.upper.toFixed(1)}`;
    return `| ${strategy} | ${allocation} | ${stepMs.median.toFixed(1)} | ${choiceMs.median.toFixed(1)} | ${ratio.median.toFixed(1)} (${quartiles}) |`;
  }),
].join('\n');
console.log(table);
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const environment = { node: process.version, cpu: cpus()[0].model, cores: cpus().length, device };
const weights = Object.values(SHAPES).reduce((sum, [n, m]) => sum + n * m, 0);
const report = { schemaVersion: 1, date: new Date().toISOString(), environment, rounds, weights, rows };
writeFileSync(new URL('choosing.json', results), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(
  new URL('choosing.md', results),
  `${cpus()[0].model}, ${cpus().length} cores, ${device}; ${weights} weights, blocks of 1 × 1\n\n${table}\n`,
);

/** A step of the dense network's training, as a loop of one's own does it. */
function mnistStep() {
  const model = multilayerPerceptron({ inputs: 784, hidden: [512, 512], outputs: 10, seed: 0 });
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4 });
  const inputs = tf.randomUniform([128, 784], 0, 1, 'float32', 1);
  const labels = tf.tidy(() => tf.oneHot(tf.randomUniform([128], 0, 10, 'int32', 2), 10).toFloat());
  const variables = model.trainableWeights.map((weight) => weight.read());
  return () => {
    const loss = optimizer.minimize(
      () => softmaxCrossEntropy(labels, model.apply(inputs, { training: true })),
      true,
      variables,
    );
    loss.dataSync();
    loss.dispose();
  };
}

async function measure(strategy, allocation) {
  const { default: make } = await import(`@espalier/${strategy}`);
  const pruner = make();
  const normal = (shape, i) => tf.randomNormal(shape, 0, 0.05, 'float32', i + 1);
  const entries = Object.entries(SHAPES);
  const variables = Object.fromEntries(
    entries.map(([name, shape], i) => [name, tf.variable(normal(shape, i))]),
  );
  const slopes = Object.fromEntries(entries.map(([name, shape], i) => [name, normal(shape, i + 2)]));
  const pruning = await sparsify(variables, pruner, {
    sparsity: 0.9,
    blockShape: [1, 1],
    totalSteps: TOTAL_STEPS,
    allocation: allocations[allocation],
    optimizer: null,
  });
  const placed = placePhases(pruner.search.phases, TOTAL_STEPS);
  const prunes = (step) => {
    const at = phaseAt(placed, step);
    return selectsAt(at, step) && at.phase.curve(progressAt(at, step)) > 0;
  };
  let before = 1;
  while (!prunes(before + 1)) before += 1;
  pruning.restore({ ...pruning.state(), step: before });
  const start = pruning.state();
  const [stepTimes, choiceTimes] = [[], []];
  for (let round = 0; round < WARM_UP + rounds; round++) {
    pruning.restore(start);
    // The loss' gradient by each weight is a number of its own.
    tf.dispose(
      tf.variableGrads(
        () => tf.addN(Object.entries(slopes).map(([name, slope]) => pruning.weight(name).mul(slope).sum())),
        Object.values(variables),
      ),
    );
    const stepMs = await time(trainingStep);
    const choiceMs = await time(() => pruning.step());
    if (round < WARM_UP) continue;
    stepTimes.push(stepMs);
    choiceTimes.push(choiceMs);
  }
  pruning.abandon();
  tf.dispose([variables, slopes]);
  const ratios = choiceTimes.map((ms, round) => ms / stepTimes[round]);
  return {
    strategy,
    allocation,
    stepMs: quantiles(stepTimes),
    choiceMs: quantiles(choiceTimes),
    ratio: quantiles(ratios),
  };
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
