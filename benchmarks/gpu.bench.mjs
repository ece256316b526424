// The GPU benchmark: checks every strategy's first steps against the cpu backend, and measures training steps (dense and
// under each strategy, phase by phase), block-sparse products against dense ones, and PyTorch on the same card when
// benchmarks/peers or `python3` has it, float32 against float32.
//
//   node benchmarks/gpu.bench.mjs [--backend webgpu] [--check-only | --skip-check] [--quick] [--out <file.json>]
//     [--workloads mnist,wide,resnet20,resnet18,products] [--pruners magnitude,…] [--python python3]
//
// Sides take turns in rounds; ratios are of neighbours in one round, given as median (least to most); a time is that of
// completed work. Writes benchmarks/results/gpu-<card>-<date>.json and the table beside it, .md. `--quick` is so small
// that a software adapter can do it, and is written only where --out says. Build the packages first.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { probeBackend, startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';

import { backend as choiceOfBackend, flag, names, readOptions, text } from './command-line.mjs';
import { checkAgainstCpu } from './gpu-check.mjs';
import { checkProducts, measureProducts } from './gpu-products.mjs';
import { toMarkdown } from './gpu-report.mjs';
import { measureSteps } from './gpu-steps.mjs';
import { startTorch } from './gpu-torch.mjs';
import { full, quick } from './gpu-workloads.mjs';
import { pythonOf } from './peers/peers.mjs';

const MEASURED = [
  ...['magnitude', 'acdc', 'powerpropagation', 'str', 'softmax-attention'],
  'sequential-attention-plus-plus',
];
const CHECKED = [
  ...MEASURED,
  ...['gmp', 'iht', 'group-lasso', 'l1-masks', 'sequential-attention', 'omp', 'omp/ompr', 'rigl'],
  ...['structured-dst', 'random'],
];

/** For the check: blocks exchanged often enough to be seen within twenty steps. */
const OFTEN = { everySteps: 5 };
const CHECK_SETTINGS = { iht: OFTEN, rigl: OFTEN, 'structured-dst': OFTEN };

const MEASURABLE = ['products', ...full.workloads.map(({ name }) => name)];
const options = readOptions({
  backend: choiceOfBackend('webgpu'),
  'check-only': flag,
  'skip-check': flag,
  quick: flag,
  workloads: names(MEASURABLE),
  pruners: names(CHECKED, null),
  python: text('a command', pythonOf('torch') ?? 'python3'),
  out: text('a file', null),
});
const plan = options.quick ? quick : full;
const log = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);

// Tried in a process of its own first, where what a driver prints is not seen.
const { choice } = await probeBackend(options.backend).catch((error) => misused(error.message));
const backend = await startBackend(choice);
log(backend.device);
const report = await benchmark().catch((error) => {
  process.stderr.write(`error: ${error.message}\n`);
  process.exit(1);
});
process.stdout.write(`\n${toMarkdown(report)}`);
const file = write(report);
if (file) log(`written to ${file}`);
const agrees = [...report.checks, ...report.productChecks].every(({ passed }) => passed);
process.exit(agrees && report.failures.length === 0 ? 0 : 1);

function misused(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(2);
}

async function benchmark() {
  const report = {
    schemaVersion: 1,
    date: new Date().toISOString(),
    environment: environment(),
    torch: { version: null, device: null, absence: 'not asked for' },
    checks: options['skip-check'] ? [] : await unlessItFails(check()),
    productChecks: options['skip-check'] ? [] : await unlessItFails(checkProducts(plan.products)),
    steps: [],
    products: [],
    failures: [],
  };
  if (!options['check-only']) {
    const started = await startTorch(options.python);
    log(started.torch ? `PyTorch ${started.torch.version}` : `no PyTorch: ${started.absence}`);
    report.torch = {
      version: started.torch?.version ?? null,
      device: started.torch?.device ?? null,
      absence: started.absence,
    };
    await measure(report, { finished: () => backend.finished(), torch: started.torch, log });
    started.torch?.stop();
  }
  return report;
}

async function check() {
  const pruners = [null, ...(await load(options.pruners ?? CHECKED, CHECK_SETTINGS))];
  const checks = [];
  for (const pruner of pruners) {
    const result = await checkAgainstCpu(pruner, backend.name);
    checks.push(result);
    log(`${result.strategy} ${result.passed ? 'agrees with' : 'DIFFERS from'} the cpu backend`);
  }
  return checks;
}

/**
 * Measures what is asked for, in that order. What cannot be measured does not keep the rest from it, and what is
 * measured is written at once: it stays when the rest is cut off.
 */
async function measure(report, context) {
  const pruners = await load(options.pruners ?? MEASURED);
  const keepIn = (rows) => (row) => {
    rows.push(row);
    write(report);
  };
  for (const what of options.workloads) {
    const workload = plan.workloads.find(({ name }) => name === what);
    try {
      await unlessItFails(
        workload
          ? measureSteps(workload, pruners, plan, { ...context, keep: keepIn(report.steps) })
          : measureProducts(plan.products, plan, { ...context, keep: keepIn(report.products) }),
      );
    } catch (error) {
      report.failures.push(`${what}: ${error.message.split('\n')[0]}`);
      log(`${what} failed: ${error.stack}`);
    }
  }
}

/** A device that was lost answers no read: what waits for one would wait forever. */
function unlessItFails(work) {
  return Promise.race([work, backend.failure]);
}

function load(names, settings = {}) {
  return Promise.all(
    names.map(async (name) => {
      const { default: exported } = await import(`@espalier/${name}`);
      return typeof exported === 'function' ? exported(settings[name]) : exported;
    }),
  );
}

function environment() {
  return {
    backend: backend.name,
    device: backend.device,
    kind: backend.kind,
    driver: driver(),
    tfjs: tf.version.tfjs,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    quick: options.quick,
  };
}

/** The driver's version, as NVIDIA's own tool tells it. */
function driver() {
  try {
    const ask = ['--query-gpu=driver_version,name', '--format=csv,noheader'];
    return execFileSync('nvidia-smi', ask, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** @returns the file, or null where none is asked for */
function write(report) {
  const card = backend.device
    .replace(/^WebGPU,\s*/, '')
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .toLowerCase();
  const usual = `results/gpu-${card.replace(/^-|-$/g, '')}-${report.date.slice(0, 10)}.json`;
  if (options.quick && !options.out) return null;
  const file = options.out ? resolve(options.out) : fileURLToPath(new URL(usual, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(file.replace(/(\.json)?$/, '.md'), toMarkdown(report));
  return file;
}
