// How long a training step takes with stock tfjs wasm and with @espalier/training-kernels, on one thread each.
//
//   node benchmarks/training-step.bench.mjs [--rounds 3] [--seconds 2] [--workloads mnist,wide,resnet20]
//
// Each side runs in a process of its own (training-step.worker.mjs); the sides take turns, and a ratio is that of
// two neighbours in one round. Prints a table and writes benchmarks/results/training-step.json. Build the packages first.
//
// Sides to come, when they exist: ours with the system's BLAS, and PyTorch.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    workloads: { type: 'string', default: 'mnist,wide,resnet20' },
  },
});
const WORKER = fileURLToPath(new URL('training-step.worker.mjs', import.meta.url));
const RESULTS = fileURLToPath(new URL('results/', import.meta.url));
const RELAXED_SIMD_FLAG = '--experimental-wasm-relaxed-simd';

/** What is compared: the first is the reference. Node 20 hides relaxed SIMD behind a flag; later versions have it. */
const SIDES = [
  { name: 'stock tfjs wasm', side: 'stock', flags: [] },
  { name: 'training-kernels', side: 'espalier', flags: [] },
  ...(Number(process.versions.node.split('.')[0]) < 22
    ? [{ name: 'training-kernels, relaxed SIMD', side: 'espalier', flags: [RELAXED_SIMD_FLAG] }]
    : []),
];

const rows = options.workloads.split(',').flatMap(measureWorkload);
console.table(
  Object.fromEntries(
    rows.map(({ workload, name, stepMs, cpuMs, examplesPerSecond, ratio, cpuRatio }) => [
      `${workload}: ${name}`,
      {
        'step (ms)': stepMs?.toFixed(2) ?? 'cannot run',
        'CPU (ms)': cpuMs?.toFixed(2) ?? '',
        'examples/s': examplesPerSecond?.toFixed(0) ?? '',
        'times stock': spread(ratio),
        'by CPU time': spread(cpuRatio),
      },
    ]),
  ),
);
mkdirSync(RESULTS, { recursive: true });
const report = {
  schemaVersion: 1,
  date: new Date().toISOString(),
  environment: { node: process.version, cpu: cpus()[0].model, cores: cpus().length },
  rounds: Number(options.rounds),
  rows,
};
writeFileSync(`${RESULTS}training-step.json`, `${JSON.stringify(report, null, 2)}\n`);

/** One row for each side; medians over the rounds. */
function measureWorkload(workload) {
  const rounds = Array.from({ length: Number(options.rounds) }, () =>
    SIDES.map((side) => runSide(side, workload)),
  );
  return SIDES.map(({ name }, i) => {
    const runs = rounds.map((round) => round[i]);
    const failed = runs.find((run) => run.error);
    if (failed) return { workload, name, error: failed.error };
    return {
      workload,
      name,
      batch: runs[0].batch,
      stepMs: median(runs.map((run) => run.stepMs.median)),
      examplesPerSecond: median(runs.map((run) => run.examplesPerSecond)),
      cpuMs: median(runs.map((run) => run.cpuMs)),
      ratio: ratioToFirst(rounds, i, (run) => run.stepMs.median),
      cpuRatio: ratioToFirst(rounds, i, (run) => run.cpuMs),
      firstLosses: runs[0].losses,
      runs,
    };
  });
}

/** How many times as long the first side took as side `i`, round by round; null if the first cannot run. */
function ratioToFirst(rounds, i, timeOf) {
  if (rounds.some(([first]) => first.error)) return null;
  const ratios = rounds.map((round) => timeOf(round[0]) / timeOf(round[i]));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

function spread(ratio) {
  return ratio ? `${ratio.median.toFixed(1)} (${ratio.min.toFixed(1)} to ${ratio.max.toFixed(1)})` : '';
}

function runSide({ side, flags }, workload) {
  try {
    const output = execFileSync(process.execPath, [...flags, WORKER, side, workload, options.seconds], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch (error) {
    const message = String(error.stderr ?? error).match(/^.*Error.*$/m)?.[0] ?? String(error);
    return { side, workload, error: message };
  }
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
