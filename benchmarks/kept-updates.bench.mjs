/**
 * What an optimiser's step takes of a weight under a mask, on the wasm backend: of the whole weight, of the kept blocks
 * alone, and, where somebody reads the rest, for each step that was put off until then.
 *
 *     node benchmarks/kept-updates.bench.mjs [--rounds 15] [--side 2048] [--block 32] [--kept 10]
 *
 * `kept` is of a hundred blocks. Times are the processor's, which other processes touch less than the clock's: medians over
 * the rounds. Prints a table; writes it and the figures under benchmarks/results/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { startBackend } from '@espalier/backend';
import { blockGrid, gatherBlocks, topK, TrainingMask } from '@espalier/blocks';
import { adam, sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import { lines, median, number } from './block-sparse.markdown.mjs';
import { count, readOptions } from './command-line.mjs';

const { rounds, side, block, kept } = readOptions({
  rounds: count(15),
  side: count(2048),
  block: count(32),
  kept: count(10, { from: 1, to: 99 }),
});
/** Steps of a round. */
const STEPS = 50;

await startBackend('wasm');
const grid = blockGrid([side, side], [block, block]);
const scores = tf.tidy(() => tf.randomUniform([grid.blocks], 0, 1, 'float32', 1).dataSync());
const mask = new TrainingMask(grid, topK(scores, Math.max(1, Math.round((kept / 100) * grid.blocks))));
const weight = tf.variable(tf.randomNormal([side, side], 0, 1, 'float32', 2));
const flow = tf.randomNormal([mask.pattern.size], 0, 1, 'float32', 3);

const OPTIMIZERS = {
  'SGD with momentum and decay': () => sgd({ learningRate: 1e-3, momentum: 0.9, weightDecay: 5e-4 }),
  Adam: () => adam({ learningRate: 1e-3 }),
};
const rows = Object.entries(OPTIMIZERS).map(([name, make]) => ({ name, ...timesOf(make()) }));
const figures = {
  schemaVersion: 1,
  date: new Date().toISOString(),
  environment: { node: process.version, cpu: cpus()[0].model, cores: cpus().length },
  options: { rounds, side, block, kept },
  rows,
};
const table = [
  '# Updates of kept blocks',
  `${figures.environment.cpu}, Node ${process.version}. Milliseconds of a processor, medians over ${rounds} rounds: a step ` +
    `of a ${side} × ${side} weight of whose blocks of ${block} × ${block} ${kept}% are kept.`,
  lines([
    ['optimiser', 'the whole', 'kept blocks', 'catching up, a step put off'],
    ...rows.map((row) => [row.name, number(row.wholeMs), number(row.keptMs), number(row.catchUpMs)]),
  ]),
].join('\n\n');
const results = new URL('results/', import.meta.url);
mkdirSync(results, { recursive: true });
writeFileSync(new URL('kept-updates.json', results), `${JSON.stringify(figures, null, 2)}\n`);
writeFileSync(new URL('kept-updates.md', results), `${table}\n`);
console.log(table);

function timesOf(optimizer) {
  const loss = () => gatherBlocks(weight, mask).mul(flow).sum();
  const gradient = () => tf.variableGrads(loss, [weight]).grads[weight.name];
  const times = { wholeMs: [], keptMs: [], catchUpMs: [] };
  // The first round compiles and allocates.
  for (let round = 0; round <= rounds; round++) {
    tf.tidy(() => {
      const own = gradient();
      // Of a copy nothing is known but its numbers.
      const copy = tf.tensor(own.dataSync(), own.shape);
      const steps = (of) => {
        for (let i = 0; i < STEPS; i++) optimizer.applyGradients({ [weight.name]: of });
      };
      const taken = {
        wholeMs: processorMs(() => steps(copy)),
        keptMs: processorMs(() => steps(own)),
        catchUpMs: processorMs(() => weight.slice([0, 0], [1, 1]).dataSync()),
      };
      if (round > 0) for (const [key, ms] of Object.entries(taken)) times[key].push(ms / STEPS);
    });
  }
  optimizer.dispose();
  return Object.fromEntries(Object.entries(times).map(([key, of]) => [key, median(of)]));
}

function processorMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e3;
}
