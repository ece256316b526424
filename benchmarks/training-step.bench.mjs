// How long a training step takes: stock tfjs wasm, Espalier on wasm alone and with each of its native libraries, PyTorch,
// TensorFlow and JAX, on one thread each and on two.
//
//   node benchmarks/training-step.bench.mjs [--rounds 5] [--seconds 0.7] [--workloads mnist,wide,resnet20] [--threads 1,2]
//                                           [--sides stock,…] [--blas <path>] [--onednn <path>]
//
// Each side runs in a process of its own, kept to as many processors as it has threads. All have the same initial weights,
// batch, loss and optimiser, and their first losses must agree. They take turns in short bursts, and a ratio is that of two
// bursts of one round. CPU time is that of all threads: what a step costs when nothing else runs. Prints a table; a run of
// everything also writes it and the figures, as training-step.md and training-step.json under benchmarks/results/, which so
// hold one run on one machine. Build the packages first; peers are set up by `node benchmarks/peers/set-up.mjs`. What is
// absent is left out with a line.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { count, names, positive, readOptions, text } from './command-line.mjs';
import { SIDES, start } from './training-step.sides.mjs';
import { toMarkdown } from './training-step.table.mjs';
import { parametersOf, startOf, toBytes, WORKLOADS } from './training-step.workloads.mjs';

const THREADS = ['1', '2'];
const options = readOptions({
  rounds: count(5),
  seconds: positive(0.7),
  workloads: names(Object.keys(WORKLOADS)),
  threads: names(THREADS),
  sides: names(Object.keys(SIDES)),
  blas: text("a library's path", null),
  onednn: text("a library's path", null),
});

/** The first losses of two sides may differ so far, relatively: float32 sums in another order. */
const AGREEMENT = 1e-3;
/** Not counted: JavaScript gets faster as it runs. */
const WARM_UP_SECONDS = 2;
/** Whom the others' times are divided by. */
const REFERENCES = ['stock', 'torch', 'tensorflow', 'jax'];
const PEERS = REFERENCES.slice(1);

const log = (line) => process.stderr.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'espalier-training-step-'));
const loadBefore = loadavg()[0];
const started = performance.now();
const [rows, absent] = [[], []];
try {
  for (const workload of options.workloads) {
    const file = join(folder, `${workload}.bin`);
    writeFileSync(file, toBytes(startOf(WORKLOADS[workload])));
    for (const threads of options.threads.map(Number)) await measure(workload, threads, file);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const versions = new Map(
  rows.flatMap(({ side, version }) => (version ? [[SIDES[side].title, version]] : [])),
);
const report = {
  schemaVersion: 3,
  date: new Date().toISOString(),
  environment: {
    node: process.version,
    cpu: cpus()[0].model,
    cores: cpus().length,
    pinned: rows.every(({ pinned }) => pinned),
    versions: Object.fromEntries(versions),
    // Processes that wanted to run, over a minute: above the number of cores, the machine had other work.
    loadBefore,
    minutes: (performance.now() - started) / 60_000,
  },
  rounds: options.rounds,
  seconds: options.seconds,
  absent,
  rows,
};
const table = toMarkdown(report);
process.stdout.write(table);
const whole = [
  [options.workloads, Object.keys(WORKLOADS)],
  [options.threads, THREADS],
  [options.sides, Object.keys(SIDES)],
].every(([chosen, all]) => all.every((one) => chosen.includes(one)));
if (whole) {
  const results = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'training-step.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(results, 'training-step.md'), table);
} else {
  log('Not written to benchmarks/results/: that is for runs of everything');
}

/** One row for each side that can take part; medians over the rounds. */
async function measure(workload, threads, file) {
  const sides = [];
  try {
    for (const name of options.sides) {
      const { workloads = Object.keys(WORKLOADS), threads: numbers, title } = SIDES[name];
      if (!workloads.includes(workload) || !numbers.includes(threads)) continue;
      try {
        const side = await start(name, workload, threads, file, {
          blas: options.blas,
          onednn: options.onednn,
        });
        sides.push({ name, bursts: [], ...side });
        assertSame(workload, side.hello, sides[0]);
        await side.burst(SIDES[name].peer ? options.seconds : WARM_UP_SECONDS);
      } catch (error) {
        if (sides.at(-1)?.name === name) sides.pop().stop();
        const reason = error.message.split('\n')[0];
        absent.push({ workload, threads, side: title, reason });
        log(`${workload}, ${threads}: ${title} is left out: ${reason}`);
      }
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const side of sides) side.bursts.push(await side.burst(options.seconds));
      log(`${workload}, ${threads}: round ${round + 1} of ${options.rounds}`);
    }
    rows.push(...sides.map((side) => rowOf(side, sides, workload, threads)));
  } finally {
    for (const side of sides) side.stop();
  }
}

/** The same network from the same weights: as many parameters, and the first losses of the first side. */
function assertSame(workload, { parameters, losses }, first) {
  const expected = parametersOf(WORKLOADS[workload]);
  if (parameters !== expected) throw new Error(`it has ${parameters} parameters of ${expected}`);
  const reference = first.hello.losses;
  if (losses.some((loss, i) => !(Math.abs(loss / reference[i] - 1) < AGREEMENT))) {
    throw new Error(
      `its losses ${losses.join(', ')} are not ${SIDES[first.name].title}'s ${reference.join(', ')}`,
    );
  }
}

function rowOf({ name, hello, bursts }, sides, workload, threads) {
  const over = (references, timeOf) => ratioOf(bursts, references, timeOf);
  const timesFaster = (timeOf) => {
    const ratios = REFERENCES.flatMap((reference) => {
      const other = sides.find((side) => side.name === reference);
      return other ? [[reference, over([other], timeOf)]] : [];
    });
    const peers = sides.filter((side) => SIDES[side.name].peer);
    const all = PEERS.every((peer) => sides.some((side) => side.name === peer));
    return Object.fromEntries(all ? [...ratios, ['best', over(peers, timeOf)]] : ratios);
  };
  return {
    workload,
    side: name,
    title: SIDES[name].title,
    threads,
    batch: WORKLOADS[workload].inputShape[0],
    ...hello,
    lastLoss: bursts.at(-1).loss,
    stepMs: median(bursts.map(({ stepMs }) => stepMs)),
    minMs: Math.min(...bursts.map(({ minMs }) => minMs)),
    cpuMs: median(bursts.map(({ cpuMs }) => cpuMs)),
    peakMemoryMB: Math.max(...bursts.map(({ peakMemoryMB }) => peakMemoryMB)),
    timesFaster: timesFaster(({ stepMs }) => stepMs),
    timesFasterByCpu: timesFaster(({ cpuMs }) => cpuMs),
    bursts,
  };
}

/** How many times as fast as the fastest of the others, round by round. */
function ratioOf(bursts, others, timeOf) {
  const ratios = bursts.map(
    (burst, i) => Math.min(...others.map((other) => timeOf(other.bursts[i]))) / timeOf(burst),
  );
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
