/**
 * The native TensorFlow backend on the processor: block-sparse products against its dense ones, predictions of compressed
 * networks against those of the dense, and training steps of a 2048-wide perceptron under strategies against the dense step,
 * at 90% sparsity.
 *
 *     node benchmarks/tensorflow.bench.mjs [--threads 1,2] [--parts products,predictions,steps] [--rounds 40]
 *
 * Sides take turns, a call at a time; a ratio is that of neighbours in one round, given as its median with quartiles. Beside
 * it stands that of the processor's time, and that of the least times: on a machine that does other things too, those are
 * what is least touched. Prints a table; writes it and the figures under benchmarks/results/.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { count, listOf, names, readOptions } from './command-line.mjs';

const PARTS = ['products', 'predictions', 'steps'];
const { threads, parts, rounds } = readOptions({
  threads: listOf('1,2', 'a whole number from 1', (text) => (/^[1-9]\d*$/.test(text) ? Number(text) : null)),
  parts: names(PARTS),
  rounds: count(40, { from: 30 }),
});

const load = loadavg()[0];
const rows = [];
for (const count of threads) {
  for (const part of parts) {
    for await (const row of rowsOf({ backend: 'tensorflow', threads: count, part, rounds, burstMs: 1 })) {
      rows.push({ part, threads: count, ...row });
      console.log(line(rows.at(-1)));
    }
  }
}

const processor = cpus()[0].model;
const table = [
  `${processor}, ${cpus().length} cores, load ${load.toFixed(1)} when it began, ${process.version}, ${rows[0].device}; ${rounds} rounds.`,
  '',
  '| part | threads | what | dense, ms | ours, ms | × dense, median (quartiles) | processor time, × dense | least times, × dense |',
  '| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |',
  ...rows.map(line),
].join('\n');
const results = new URL('./results/', import.meta.url);
mkdirSync(results, { recursive: true });
const report = { schemaVersion: 1, date: new Date().toISOString(), processor, load, rounds, rows };
writeFileSync(new URL('tensorflow.json', results), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(new URL('tensorflow.md', results), `${table}\n`);

function line({ part, threads: count, name, denseMs, ms, ratio, cpuRatio, leastRatio }) {
  const { median, lower, upper } = ratio;
  const spread = `${median.toFixed(2)} (${lower.toFixed(2)}–${upper.toFixed(2)})`;
  const cells = [denseMs.median.toFixed(2), ms.median.toFixed(2), spread, cpuRatio.median.toFixed(2)];
  return `| ${[part, count, name, ...cells, leastRatio.toFixed(2)].join(' | ')} |`;
}

/** Of one part on one number of threads, which are set when TensorFlow starts. */
async function* rowsOf(work) {
  const worker = fileURLToPath(new URL('tensorflow.worker.mjs', import.meta.url));
  const child = spawn(process.execPath, [worker, JSON.stringify(work)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const text of createInterface({ input: child.stdout })) yield JSON.parse(text);
  if (child.exitCode) throw new Error(`${work.part} on ${work.threads} threads ended with ${child.exitCode}`);
}
