/** `espalier compare`: the dense baseline and every strategy on the same workload, and the table of what came out. */
import { access, constants, mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';

import { probeBackend, startBackend, type BackendChoice, type BackendName } from '@espalier/backend';
import { placePhases, sparsify, type Pruner, type Search } from '@espalier/core';
import { dataFolder } from '@espalier/datasets';
import { findAccelerators, type AcceleratorLibrary } from '@espalier/wasm-training/accelerators';
import * as tf from '@tensorflow/tfjs';
import writeFileAtomic from 'write-file-atomic';

import { findConfig } from '../config.js';
import { InterruptedError, UsageError } from '../errors.js';
import {
  defaultPruners,
  loadPruner,
  loadWorkload,
  openRegistry,
  resolveReference,
  type Registry,
} from '../registry.js';
import { describeEnvironment, rowsOf, type Summary } from '../report/summary.js';
import { toCsv, toMarkdown, toTerminal } from '../report/table.js';
import { productCosts, type ProductCosts } from '../trial/product-costs.js';
import { runTrials, type RunOptions, type TrialOutcome } from '../trial/run-trials.js';
import type { Reference, Trial } from '../trial/trial.js';
import { stepsPerEpoch, type Workload } from '../workload.js';
import { showProgress } from './progress.js';

export interface CompareOptions {
  readonly workload: string;
  readonly pruners?: readonly string[];
  readonly sparsity?: readonly number[];
  readonly block?: readonly (readonly [number, number])[];
  readonly seeds?: readonly number[];
  readonly epochs?: number;
  readonly backend: BackendChoice;
  readonly sparsePhases: boolean;
  readonly blas: string;
  readonly jobs?: number;
  readonly data?: string;
  readonly out?: string;
  readonly config?: string;
  readonly reference: string;
}

/** @returns the exit code: 0, or 1 when a trial failed */
export async function compare(options: CompareOptions): Promise<number> {
  const registry = await openRegistry(findConfig(options.config));
  const workloadReference = await resolveReference(options.workload, registry.workloads, 'workload');
  const workload = await loadWorkload(workloadReference);
  const strategies = await loadStrategies(options.pruners ?? defaultPruners, registry);
  const names = strategies.map(({ pruner }) => pruner.name);
  if (options.reference !== 'dense' && !names.includes(options.reference)) {
    throw new UsageError(
      `The reference '${options.reference}' is not compared: choose dense, ${names.join(', ')}`,
    );
  }

  const { defaults } = workload;
  const sparsities = options.sparsity ?? defaults.sparsities;
  const blockShapes = options.block ?? defaults.blockShapes;
  const seeds = options.seeds ?? defaults.seeds;
  const epochs = options.epochs ?? defaults.epochs;
  const data = resolve(dataFolder(options.data));
  await rehearse(
    workload,
    strategies.map(({ pruner }) => pruner),
    { sparsities, blockShapes, seeds, epochs, data },
  );
  const backend = await probeBackend(options.backend);
  const blas = await chooseBlas(options.blas, backend.name);
  const out = await openOutput(options.out ?? join('runs', `${timestamp()}-${workload.name}`));
  const costs = options.sparsePhases ? await productCosts(out, backend, blockShapes) : null;

  const common = {
    workload: { ...workloadReference, name: workload.name },
    epochs,
    backend: backend.choice,
    ...(blas && { blas: { path: blas.path, build: blas.build } }),
  };
  const trials: Trial[] = [
    ...seeds.map((seed) => ({
      ...common,
      pruner: null,
      sparsity: 0,
      blockShape: [1, 1] as const,
      seed,
      sparsePhases: false,
    })),
    ...strategies.flatMap(({ reference, pruner }) =>
      sparsities.flatMap((sparsity) =>
        blockShapes.flatMap((blockShape, i) =>
          seeds.map((seed) => ({
            ...common,
            pruner: { ...reference, name: pruner.name, settings: pruner.settings },
            sparsity,
            blockShape,
            seed,
            sparsePhases: options.sparsePhases,
            ...(costs && { productCosts: costs[i] as ProductCosts }),
          })),
        ),
      ),
    ),
  ];
  const jobs = Math.min(options.jobs ?? usualJobs(backend.name), trials.length);
  const outcomes = await runInterruptibly(trials, { out, dataFolder: data, jobs });

  const summary: Summary = {
    schemaVersion: 1,
    workload: workload.name,
    task: workload.task,
    epochs,
    reference: options.reference,
    environment: describeEnvironment(backend, blas, costs, jobs),
    rows: rowsOf(trials, outcomes),
  };
  // Shown before it is written: a disk that has filled up does not take what was trained for.
  process.stdout.write(`${toTerminal(summary, process.stdout.columns)}\n`);
  reportFailures(summary);
  await writeSummary(out, summary);
  process.stdout.write(`Written to ${out}\n`);
  return summary.rows.some(({ status }) => status === 'failed') ? 1 : 0;
}

interface Strategy {
  readonly reference: Reference;
  readonly pruner: Pruner;
}

async function loadStrategies(asked: readonly string[], registry: Registry): Promise<Strategy[]> {
  const strategies = await Promise.all(
    asked.map(async (name) => {
      const reference = await resolveReference(name, registry.pruners, 'strategy');
      return { reference, pruner: await loadPruner(reference) };
    }),
  );
  const names = strategies.map(({ pruner }) => pruner.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return strategies;
  throw new UsageError(
    `Two strategies are called '${twice}': give one another name under pruners in espalier.config.ts`,
  );
}

/** The library that the trials multiply with; it is for the wasm backend alone. */
async function chooseBlas(choice: string, backend: BackendName): Promise<AcceleratorLibrary | null> {
  if (backend === 'wasm') {
    const accelerators = choice === 'auto' || choice === 'off' ? choice : [`blas:${choice}`];
    return (await findAccelerators(accelerators))[0]?.library ?? null;
  }
  if (choice === 'auto' || choice === 'off') return null;
  throw new UsageError(
    `--blas ${choice} is for the wasm backend, and ${backend} computes: add --backend wasm`,
  );
}

/** As many side by side as there are cores where a trial takes one; one where they would share a device. */
function usualJobs(backend: BackendName): number {
  return backend === 'wasm' || backend === 'cpu' ? availableParallelism() : 1;
}

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs the trials; told to stop, it ends their processes and says how to go on. */
async function runInterruptibly(
  trials: readonly Trial[],
  options: Pick<RunOptions, 'out' | 'dataFolder' | 'jobs'>,
): Promise<TrialOutcome[]> {
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    const message = `Interrupted: the same command with --out ${options.out} goes on from here`;
    interruption.abort(new InterruptedError(signal, message));
  };
  for (const signal of INTERRUPTIONS) process.once(signal, interrupt);
  const watcher = showProgress(trials);
  try {
    return await runTrials(trials, { ...options, watcher, signal: interruption.signal });
  } finally {
    watcher.stop();
    for (const signal of INTERRUPTIONS) process.removeListener(signal, interrupt);
  }
}

async function writeSummary(out: string, summary: Summary): Promise<void> {
  const files = {
    'summary.json': `${JSON.stringify(summary, null, 2)}\n`,
    'summary.md': toMarkdown(summary),
    'summary.csv': toCsv(summary),
  };
  await Promise.all(
    Object.entries(files).map(([name, content]) => writeFileAtomic(join(out, name), content)),
  ).catch((error: Error) => {
    throw new UsageError(
      `The summary cannot be written to ${out} (${error.message}): mend it and run again, nothing is trained twice`,
    );
  });
}

function reportFailures({ rows }: Summary): void {
  for (const { pruner, sparsity, blockShape, seed, status, message } of rows) {
    if (status !== 'failed') continue;
    const target = pruner === 'dense' ? '' : ` ${sparsity} ${blockShape.join('×')}`;
    process.stderr.write(`${pruner}${target} seed ${seed} failed: ${message}\n`);
  }
}

interface Plan {
  readonly sparsities: readonly number[];
  readonly blockShapes: readonly (readonly [number, number])[];
  readonly seeds: readonly number[];
  readonly epochs: number;
  readonly data: string;
}

/**
 * Puts throw-away models under every strategy and every block shape, so that what cannot be run is refused
 * before anything is written. What else goes wrong in a strategy is left to its trials, which fail alone.
 */
async function rehearse(workload: Workload, pruners: readonly Pruner[], plan: Plan): Promise<void> {
  const { sparsities, blockShapes, seeds, epochs, data } = plan;
  const seed = seeds[0] as number;
  const { train } = await workload.load({ dataFolder: data, seed });
  const totalSteps = epochs * stepsPerEpoch(train.count, workload.defaults.batchSize);
  for (const { name, search } of pruners) assertPhasesFit(name, search, epochs, totalSteps);
  await startBackend('wasm');
  const sparsity = Math.max(...sparsities);
  const combinations = pruners.flatMap((pruner, i) =>
    (i === 0 ? blockShapes : blockShapes.slice(0, 1)).map((blockShape) => ({ pruner, blockShape })),
  );
  for (const { pruner, blockShape } of combinations) {
    const target = { ...workload.target, sparsity, blockShape, totalSteps, optimizer: null };
    await sparsify(workload.model(seed), pruner, target).catch((error: unknown) => {
      if (error instanceof RangeError) throw new UsageError(`${pruner.name}: ${error.message}`);
    });
  }
  tf.disposeVariables();
}

function assertPhasesFit(name: string, { phases }: Search, epochs: number, totalSteps: number): void {
  try {
    placePhases(phases, totalSteps);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${name}: ${error.message} (--epochs ${epochs} is ${totalSteps} steps)`);
  }
}

async function openOutput(folder: string): Promise<string> {
  const path = resolve(folder);
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw new UsageError(
      `The output folder ${path} cannot be written to (${(error as Error).message}): choose another with --out`,
    );
  }
  return path;
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(':', '-');
}
