// What it takes to prepare and to stream a file in the form of Criteo's Display Advertising Challenge: a generated one,
// of so many rows, whose categories follow Zipf's law.
//
//     node benchmarks/criteo-rows.bench.mjs [--rows 2000000] [--batch 32768]
//
// Prints seconds of the clock and of the processor, rows a second and the peak of resident memory, each stage in a process
// of its own. The file and what is prepared of it lie in a temporary folder, which is removed.

import { execFile } from 'node:child_process';
import { open, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { permutation, random } from '@espalier/datasets';
import { loadCriteo } from '@espalier/datasets/criteo';

import { count, names, readOptions, text } from './command-line.mjs';

/** Values of each categorical field, from three to 1.7 million. */
const VALUES = Array.from({ length: 26 }, (_, field) => Math.round(3 * 1.7 ** field));

/** Rank r comes with a share of about 1/r: Zipf's law. */
const zipf = (draws, values) => Math.floor((values + 1) ** draws.uniform());

function row(draws) {
  const label = draws.uniform() < 0.26 ? 1 : 0;
  const integers = Array.from({ length: 13 }, () =>
    draws.uniform() < 0.2 ? '' : Math.floor(Math.exp(2 * draws.normal())),
  );
  const categories = VALUES.map((values, field) => {
    if (draws.uniform() < 0.1) return '';
    const value = Math.imul(zipf(draws, values) * 26 + field, 0x9e3779b1) >>> 0;
    return value.toString(16).padStart(8, '0');
  });
  return [label, ...integers, ...categories].join('\t');
}

const stages = {
  async generate(folder, rows) {
    await mkdir(join(folder, 'criteo'));
    const file = await open(join(folder, 'criteo', 'train.txt'), 'w');
    const draws = random(0, 'criteo-rows');
    for (let done = 0; done < rows; done += 10_000) {
      const lines = Array.from({ length: Math.min(10_000, rows - done) }, () => row(draws));
      await file.write(`${lines.join('\n')}\n`);
    }
    await file.close();
  },
  prepareByVocabulary: async (folder) => (await loadCriteo(folder)).close(),
  prepareByHashing: async (folder) =>
    (await loadCriteo(folder, { categories: { buckets: 100_000 } })).close(),
  async stream(folder, _, batch) {
    const { train, close } = await loadCriteo(folder);
    const order = permutation(train.count, random(0, 'batches/0'));
    const start = performance.now();
    for (let first = 0; first < train.count; first += batch) {
      await train.gather(order.subarray(first, first + batch));
    }
    const seconds = (performance.now() - start) / 1000;
    close();
    return { rows: train.count, seconds };
  },
};

const { rows, batch, stage, folder } = readOptions({
  rows: count(2_000_000),
  batch: count(32_768),
  // Of the processes that this one starts.
  stage: names(Object.keys(stages), null),
  folder: text('a folder', null),
});

if (stage) {
  const start = performance.now();
  const own = await stages[stage[0]](folder, rows, batch);
  const seconds = (performance.now() - start) / 1000;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const processorSeconds = (userCPUTime + systemCPUTime) / 1e6;
  console.log(JSON.stringify({ rows, seconds, processorSeconds, peakMegabytes: maxRSS / 1000, ...own }));
} else {
  const temporary = await mkdtemp(join(tmpdir(), 'criteo-rows-'));
  try {
    for (const name of Object.keys(stages)) {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          fileURLToPath(import.meta.url),
          ...['--rows', `${rows}`, '--batch', `${batch}`, '--stage', name, '--folder', temporary],
        ],
        { env: { ...process.env, XDG_CACHE_HOME: join(temporary, 'cache') } },
      );
      const { rows: done, seconds, processorSeconds, peakMegabytes } = JSON.parse(stdout);
      console.log(
        `${name.padEnd(20)} ${done} rows, ${seconds.toFixed(1)} s (processor ${processorSeconds.toFixed(1)} s), ${Math.round(done / seconds)} rows/s, peak ${Math.round(peakMegabytes)} MB`,
      );
      if (name === 'generate') {
        const { size } = await stat(join(temporary, 'criteo', 'train.txt'));
        console.log(`                     ${(size / 1e6).toFixed(0)} MB`);
      }
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
