// What the table of embeddings costs in a training step of the network for Criteo: its lookup, the lookup's gradient, and
// the optimiser's step over all of it, beside the step as a whole.
//
//     node benchmarks/embedding-step.bench.mjs [--tokens 1000000] [--batch 32768] [--backend wasm]
//
// Prints milliseconds of the clock and of the processor, the median of three, after one that is not counted.

import { startBackend } from '@espalier/backend';
import { random } from '@espalier/datasets';
import { embeddingPerceptron } from '@espalier/models';
import { adam } from '@espalier/optimizers';
import { binaryClassification } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import { backend, count, readOptions } from './command-line.mjs';

const [FIELDS, SIZE] = [39, 10];
const options = readOptions({
  tokens: count(1_000_000, { from: FIELDS }),
  batch: count(32_768),
  backend: backend('wasm'),
});
const { tokens, batch } = options;

const started = await startBackend(options.backend);
console.log(`${started.name}, ${started.device}: ${tokens} tokens, batches of ${batch}`);

/** In each field tokens of its own, of rank r with a share of about 1/r. */
function drawTokens() {
  const draws = random(0, 'embedding-step');
  const ofField = Math.floor(tokens / FIELDS);
  return Int32Array.from({ length: batch * FIELDS }, (_, i) => {
    const rank = Math.floor((ofField + 1) ** draws.uniform()) - 1;
    return (i % FIELDS) * ofField + Math.min(rank, ofField - 1);
  });
}

const indices = tf.tensor2d(drawTokens(), [batch, FIELDS], 'int32');
const targets = tf.tensor1d(
  Int32Array.from({ length: batch }, (_, i) => Number(i % 4 === 0)),
  'int32',
);
const model = embeddingPerceptron({ fields: FIELDS, tokens, size: SIZE, hidden: [400, 400, 400], outputs: 1, seed: 0 }); // prettier-ignore
const [table, ...others] = model.trainableWeights.map((weight) => weight.val);

async function milliseconds(name, work) {
  const times = [];
  for (let round = 0; round < 4; round++) {
    const [start, before] = [performance.now(), process.cpuUsage()];
    const result = tf.tidy(work);
    if (result) await result.data();
    await started.finished();
    tf.dispose(result);
    const { user, system } = process.cpuUsage(before);
    times.push({ clock: performance.now() - start, processor: (user + system) / 1000 });
  }
  const median = (of) => times.slice(1).map((time) => time[of]).sort((a, b) => a - b)[1]; // prettier-ignore
  const columns = ['clock', 'processor'].map((of) => median(of).toFixed(1).padStart(10));
  console.log(`${name.padEnd(32)}${columns.join('')}`);
}

const few = (x) => x.flatten().slice(0, 1);
const flatIndices = indices.flatten();
const flow = tf.ones([batch * FIELDS, SIZE]);
const tableGradient = tf.keep(tf.ones([tokens, SIZE]));
const [ofTable, ofAll, ofOthers] = [adam(), adam(), adam()];
const loss = () => binaryClassification.loss(model.apply(indices, { training: true }), targets);

await milliseconds('lookup', () => few(table.gather(flatIndices)));
await milliseconds('gradient of the lookup', () => few(tf.unsortedSegmentSum(flow, flatIndices, tokens)));
await milliseconds("Adam's step over the table", () => {
  ofTable.applyGradients([{ name: table.name, tensor: tableGradient }]);
});
await milliseconds('whole step, but for the table', () => ofOthers.minimize(loss, true, others));
await milliseconds('whole step', () => ofAll.minimize(loss, true, [table, ...others]));
console.log(`tensors of ${Math.round(tf.memory().numBytes / 1e6)} MB, resident at most ${Math.round(process.resourceUsage().maxRSS / 1000)} MB`); // prettier-ignore
