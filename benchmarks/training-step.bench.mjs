// How long a training step takes: stock tfjs wasm, @espalier/wasm-training without and with the system's BLAS, and
// PyTorch, on one thread each and on two.
//
//   node benchmarks/training-step.bench.mjs [--rounds 5] [--seconds 2] [--workloads mnist,wide,resnet20]
//                                           [--blas auto|<path>] [--python <command>]
//
// Each side runs in a process of its own (training-step.worker.mjs, training_step_torch.py); the sides take turns, and a
// ratio is that of two neighbours in one round. Prints a table; a run of all workloads also writes it and the figures, as
// training-step.md and training-step.json under benchmarks/results/, which so hold one run on one machine. Build the
// packages first. What is absent (a BLAS, PyTorch) is said in its row.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { toMarkdown } from './training-step.table.mjs';

const WORKLOADS = ['mnist', 'wide', 'resnet20'];
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    workloads: { type: 'string', default: WORKLOADS.join() },
    blas: { type: 'string', default: 'auto' },
    python: { type: 'string' },
  },
});
const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));
const NO_TORCH = 'python3 has no torch: apt-get install python3-torch libopenblas0-pthread';
const python = findPython();

/** What is compared. Node 20 hides relaxed SIMD behind a flag; later versions have it. */
const relaxed =
  Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : null;
const SIDES = [
  { name: 'stock tfjs wasm', threads: 1, command: ours('stock') },
  { name: 'wasm-training', threads: 1, command: ours('espalier') },
  ...(relaxed
    ? [{ name: 'wasm-training, relaxed SIMD', threads: 1, command: ours('espalier', relaxed) }]
    : []),
  { name: 'wasm-training, BLAS', threads: 1, command: ours('blas') },
  ...(relaxed
    ? [{ name: 'wasm-training, BLAS, relaxed SIMD', threads: 1, command: ours('blas', relaxed) }]
    : []),
  { name: 'PyTorch', threads: 1, command: torch },
  {
    name: relaxed ? 'wasm-training, relaxed SIMD' : 'wasm-training',
    threads: 2,
    command: ours('espalier', relaxed ?? []),
  },
  {
    name: relaxed ? 'wasm-training, BLAS, relaxed SIMD' : 'wasm-training, BLAS',
    threads: 2,
    command: ours('blas', relaxed ?? []),
  },
  { name: 'PyTorch', threads: 2, command: torch },
];
const STOCK = 0;

const workloads = options.workloads.split(',');
const unknown = workloads.find((name) => !WORKLOADS.includes(name));
if (unknown !== undefined || !(Number(options.rounds) >= 1)) {
  process.stderr.write(
    unknown === undefined
      ? `error: --rounds ${options.rounds}: at least 1\n`
      : `error: unknown workload '${unknown}': choose ${WORKLOADS.join(', ')}\n`,
  );
  process.exit(2);
}
const rows = workloads.flatMap(measureWorkload);
const runs = rows.flatMap((row) => row.runs ?? []);
const report = {
  schemaVersion: 2,
  date: new Date().toISOString(),
  environment: {
    node: process.version,
    cpu: cpus()[0].model,
    cores: cpus().length,
    blas: runs.find((run) => run.blas)?.blas ?? null,
    torch: runs.find((run) => run.torch)?.torch ?? null,
  },
  rounds: Number(options.rounds),
  rows,
};
const table = toMarkdown(report);
process.stdout.write(table);
if (WORKLOADS.every((name) => workloads.includes(name))) {
  mkdirSync(fileOf('results/'), { recursive: true });
  writeFileSync(fileOf('results/training-step.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(fileOf('results/training-step.md'), table);
} else {
  process.stderr.write('Not written to benchmarks/results/: that is for runs of all workloads\n');
}

/** One row for each side; medians over the rounds. */
function measureWorkload(workload) {
  const rounds = Array.from({ length: Number(options.rounds) }, () =>
    SIDES.map((side) => runSide(side, workload)),
  );
  return SIDES.map(({ name, threads }, i) => {
    const runs = rounds.map((round) => round[i]);
    const failed = runs.find((run) => run.error);
    if (failed) return { workload, name, threads, error: failed.error };
    const native = SIDES.findIndex((side) => side.name === 'PyTorch' && side.threads === threads);
    return {
      workload,
      name,
      threads,
      batch: runs[0].batch,
      stepMs: median(runs.map((run) => run.stepMs.median)),
      cpuMs: median(runs.map((run) => run.cpuMs)),
      examplesPerSecond: median(runs.map((run) => run.examplesPerSecond)),
      peakMemoryMB: median(runs.map((run) => run.peakMemoryMB)),
      timesStock: ratio(rounds, STOCK, i, (run) => run.stepMs.median),
      timesStockByCpu: ratio(rounds, STOCK, i, (run) => run.cpuMs),
      timesTorch: ratio(rounds, native, i, (run) => run.stepMs.median),
      timesTorchByCpu: ratio(rounds, native, i, (run) => run.cpuMs),
      firstLosses: runs[0].losses,
      runs,
    };
  });
}

/** How many times as fast as side `reference` side `i` was, round by round; null if the reference cannot run. */
function ratio(rounds, reference, i, timeOf) {
  if (rounds.some((round) => round[reference].error)) return null;
  const ratios = rounds.map((round) => timeOf(round[reference]) / timeOf(round[i]));
  return { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) };
}

function ours(side, flags = []) {
  const worker = fileOf('training-step.worker.mjs');
  return (workload, threads) => [
    process.execPath,
    [...flags, worker, side, workload, options.seconds, threads, options.blas],
  ];
}

function torch(workload, threads) {
  if (!python) throw new Error(NO_TORCH);
  return [python, [fileOf('training_step_torch.py'), workload, options.seconds, threads]];
}

function runSide({ command, threads }, workload) {
  // What a library that is linked in takes its number of threads from.
  const env = { ...process.env, OPENBLAS_NUM_THREADS: `${threads}`, OMP_NUM_THREADS: `${threads}` };
  try {
    const [file, args] = command(workload, `${threads}`);
    const output = execFileSync(file, args, { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
    return JSON.parse(output.trim().split('\n').at(-1));
  } catch (error) {
    const message = String(error.stderr ?? error).match(/^.*Error:? *(.*)$/m)?.[1] ?? String(error);
    return { workload, error: message };
  }
}

/** A Python that has PyTorch: another `python3` may come first in the path than the system's. */
function findPython() {
  return (options.python ? [options.python] : ['python3', '/usr/bin/python3']).find((command) => {
    try {
      execFileSync(command, ['-c', 'import torch'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
