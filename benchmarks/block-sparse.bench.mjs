/**
 * What block sparsity is worth: products over shapes, block sizes and sparsities, beside the same products dense; and
 * the predictions of whole models, dense and compressed; and training with sparse phases.
 *
 *     node benchmarks/block-sparse.bench.mjs [--suites products,models,training] [--rounds 3] [--ms 100] [--shapes 128x1024x1024]
 *         [--blocks 4,8,16,32,64,5,10,20] [--sparsities 0.5,0.7,0.8,0.9,0.95,0.99] [--products forward,transposed,gradient]
 *         [--sides block-sparse,stock]
 *
 * Writes results/block-sparse.json (a suite that is not run keeps its results), and from it results/block-sparse.md
 * and results/block-sparse.svg. Build the packages first. onnxruntime-node takes part where it is installed:
 *
 *     ONNXRUNTIME_NODE_INSTALL=skip npm install --prefix benchmarks/peers
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import * as models from './block-sparse.models.mjs';
import * as products from './block-sparse.products.mjs';
import * as training from './block-sparse.training.mjs';

/** Each exports `run(options)`, which returns plain data, `table(data)`, Markdown of it, and perhaps `plot(data)`. */
const SUITES = { products, models, training };

const { values: options } = parseArgs({
  options: {
    suites: { type: 'string', default: Object.keys(SUITES).join() },
    rounds: { type: 'string', default: '3' },
    ms: { type: 'string', default: '100' },
    shapes: { type: 'string', default: '128x1024x1024' },
    blocks: { type: 'string', default: '4,8,16,32,64,5,10,20' },
    sparsities: { type: 'string', default: '0.5,0.7,0.8,0.9,0.95,0.99' },
    products: { type: 'string', default: 'forward,transposed,gradient' },
    sides: { type: 'string' },
  },
});
const unknown = options.suites.split(',').find((name) => !(name in SUITES));
if (unknown) throw new Error(`No suite '${unknown}': there are ${Object.keys(SUITES).join(', ')}.`);

const RESULTS = new URL('results/', import.meta.url);
const file = new URL('block-sparse.json', RESULTS);
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { schemaVersion: 1, suites: {} };
for (const name of options.suites.split(',')) {
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
