/**
 * What block sparsity is worth: products over shapes, block sizes and sparsities, beside the same products dense; and
 * the predictions of whole models, dense and compressed; and training with sparse phases.
 *
 *     node benchmarks/block-sparse.bench.mjs [--suites products,models,training] [--rounds 3] [--ms 100] [--shapes 128x1024x1024]
 *         [--blocks 4,8,16,32,64,5,10,20] [--sparsities 0.5,0.7,0.8,0.9,0.95,0.99] [--products forward,transposed,gradient]
 *         [--sides block-sparse,stock] [--networks 2048-2048-2048-10,wide-resnet-20]
 *
 * Writes results/block-sparse.json (a suite that is not run keeps its results), and from it results/block-sparse.md
 * and results/block-sparse.svg. Build the packages first. onnxruntime-node takes part where it is installed:
 *
 *     node benchmarks/peers/set-up.mjs onnxruntime
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

import * as models from './block-sparse.models.mjs';
import { networkNames } from './block-sparse.networks.mjs';
import * as products from './block-sparse.products.mjs';
import * as training from './block-sparse.training.mjs';
import { count, listOf, names, positive, readOptions } from './command-line.mjs';

/** Each exports its `sides`, `run(options)`, which returns plain data, `table(data)`, Markdown of it, and perhaps `plot(data)`. */
const SUITES = { products, models, training };

const sidesOf = ({ sides }) => sides.map(({ side }) => side);
const options = readOptions({
  suites: names(Object.keys(SUITES)),
  rounds: count(3),
  ms: positive(100),
  shapes: listOf('128x1024x1024', 'batch x inputs x outputs, as in 128x1024x1024', readShape),
  blocks: listOf('4,8,16,32,64,5,10,20', "a square block's side, as in 32 or 32x32", readSquare),
  sparsities: listOf('0.5,0.7,0.8,0.9,0.95,0.99', 'a share below 1', readShare),
  products: names(['forward', 'transposed', 'gradient']),
  sides: names([...new Set(Object.values(SUITES).flatMap(sidesOf))], null),
  networks: names(networkNames, null),
});

const RESULTS = new URL('results/', import.meta.url);
const file = new URL('block-sparse.json', RESULTS);
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { schemaVersion: 1, suites: {} };
for (const name of options.suites) {
  report.suites[name] = {
    date: new Date().toISOString(),
    environment: { node: process.version, cpu: cpus()[0].model, cores: cpus().length },
    ...(await SUITES[name].run(options)),
  };
}
mkdirSync(RESULTS, { recursive: true });
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
const done = Object.entries(SUITES).filter(([name]) => report.suites[name]);
const tables = done.map(([name, suite]) => suite.table(report.suites[name]));
const markdown = ['# Block sparsity', ...tables].join('\n\n');
console.log(markdown);
writeFileSync(new URL('block-sparse.md', RESULTS), `${markdown}\n`);
for (const [name, { plot }] of done) {
  if (plot) writeFileSync(new URL('block-sparse.svg', RESULTS), await plot(report.suites[name]));
}

function readShape(text) {
  return /^[1-9]\d*(x[1-9]\d*){2}$/.test(text) ? text.split('x').map(Number) : null;
}

function readSquare(text) {
  return /^([1-9]\d*)(x\1)?$/.test(text) ? Number(text.split('x')[0]) : null;
}

function readShare(text) {
  return /^0?\.\d+$|^0$/.test(text) ? Number(text) : null;
}
