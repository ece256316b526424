/** `espalier compare`: the dense baseline and every strategy on the same workload, and the table of what came out. */
import { join, resolve } from 'node:path';

import type { BackendChoice } from '@espalier/backend';
import type { AllocationName, Overrides } from '@espalier/core';
import { dataFolder } from '@espalier/datasets/data-folder';
import {
  compare as compareStrategies,
  unlessAborted,
  UsageError,
  type CompareOptions,
  type Strategy,
  type Summary,
  type Watcher,
} from '@espalier/experiment';
import {
  loadPruner,
  loadWorkload,
  nodeReports,
  openFolder,
  processes,
  tensorBoard,
  withCode,
  type FolderStore,
  type TensorBoard,
} from '@espalier/experiment/node';

import { atScale, type ScaleName, type Workload } from '@espalier/workloads';
import { Option } from 'commander';

import { findConfig } from '../config.js';
import { InterruptedError } from '../errors.js';
import * as options from '../options.js';
import { showProgress } from '../live/progress.js';
import { SummaryFile } from '../summary-file.js';
import {
  defaultPruners,
  defaultWorkload,
  openRegistry,
  resolveReference,
  type Registry,
} from '../registry.js';
import type { Command } from './command.js';
import { describeEstimate, estimateInFolder } from './dry-run.js';

export interface CompareCommandOptions {
  readonly workload: string;
  readonly pruners?: readonly string[];
  readonly scale: ScaleName;
  readonly sparsity?: readonly number[];
  readonly block?: readonly (readonly [number, number])[];
  readonly allocation?: readonly AllocationName[];
  readonly override?: Overrides;
  readonly seeds?: readonly number[];
  readonly epochs?: number;
  readonly backend: BackendChoice;
  readonly accelerators: 'auto' | 'off' | readonly string[];
  readonly sparsePhases: boolean;
  readonly jobs?: number;
  readonly threads?: number;
  readonly trialTimeout?: number;
  readonly data?: string;
  readonly out?: string;
  readonly config?: string;
  readonly reference: string;
  readonly save: 'none' | 'models';
  readonly tensorboard?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const compare: Command = {
  usage: 'compare',
  description: 'train the dense baseline and every strategy on one workload, and print the comparison',
  arguments: (command) =>
    command
      .option('--workload <name or module>', 'what to train', defaultWorkload)
      .option(
        '--pruners <a,b,…>',
        `strategies, by name or module (default: ${defaultPruners.join(', ')})`,
        options.names,
      )
      .option(
        '--scale <smoke,small,paper>',
        "how much of the workload's recipe: seconds, some minutes a trial, or the published one",
        options.scale,
        'small',
      )
      .option('--sparsity <0.9,0.95>', "targets (default: the workload's)", options.sparsities)
      .option('--block <16x16,32x32>', "block shapes (default: the workload's)", options.blockShapes)
      .option(
        '--allocation <uniform,global,erdos-renyi-kernel>',
        "how the budget is shared over the layers, for all strategies (default: the workload's, then the strategy's own, then uniform)",
        options.allocationNames,
      )
      .option(
        '--override <kernel=sparsity[@RxC]>',
        "sparsity and block shape of one kernel, such as dense_1/kernel=0.5@8x8; repeatable (default: the target's)",
        options.override,
      )
      .option('--seeds <0,1,2>', "seeds (default: the workload's)", options.seeds)
      .option('--epochs <n>', "training length (default: the workload's)", options.epochs)
      .option(
        '--backend <auto,tensorflow,webgpu,wasm,cpu>',
        'where to compute; webgpu:<part of a name> takes that adapter',
        options.backend,
        'auto',
      )
      .option(
        '--accelerators <auto,off or onednn,blas,threads>',
        'what multiplies faster on wasm: all that is found, none, or these; blas:<path> is a library',
        options.accelerators,
        'auto',
      )
      .option(
        '--sparse-phases <on,off>',
        'compute with the kept blocks alone while blocks are masked out, in each layer where that is faster',
        options.onOrOff,
        true,
      )
      .option('--jobs <n>', 'trials side by side (default: by backend and cores)', options.jobs)
      .option('--threads <n>', 'threads of each trial, on wasm (default: 1)', options.threads)
      .option(
        '--trial-timeout <minutes>',
        'what a trial may take before it fails and the others go on (default: no limit)',
        options.minutes,
      )
      .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
      .option('--out <folder>', 'where results go (default: runs/<time>-<workload>)')
      .option(
        '--config <file>',
        "espalier.config.ts with own strategies and workloads (default: found upwards, to the package's root)",
      )
      .addOption(
        new Option('--save <none,models>', 'keep the final models, dense and compressed, and their masks')
          .choices(['none', 'models'])
          .default('none'),
      )
      .option(
        '--tensorboard <folder>',
        "where TensorBoard's event files go, a run a trial (default: none are written)",
      )
      .option('--reference <strategy>', 'what paired differences are taken against', 'dense')
      .option(
        '--dry-run',
        'print the trials, what they would take in time, disk and memory, and what is done already',
      )
      .option('--json', 'with --dry-run: as JSON'),
  run,
};

/** @returns the exit code: 0, or 1 when a trial failed */
export async function run(given: CompareCommandOptions): Promise<number> {
  const registry = await openRegistry(findConfig(given.config));
  const reference = await withCode(await resolveReference(given.workload, registry.workloads, 'workload'));
  const workload = scaled(await loadWorkload(reference), given.scale);
  const pruners = await loadStrategies(given.pruners ?? defaultPruners, registry, workload.settings);
  if (given.json && !given.dryRun) {
    throw new UsageError('--json is for --dry-run: a comparison writes its own as summary.json');
  }
  const out = resolve(given.out ?? join('runs', `${timestamp()}-${workload.name}`));
  const asked = async (signal: AbortSignal): Promise<CompareOptions> => {
    const executor = await processes({
      ...{ backend: given.backend, accelerators: given.accelerators },
      ...(given.jobs !== undefined && { jobs: given.jobs }),
      ...(given.threads !== undefined && { threads: given.threads }),
      onNote: (line) => process.stderr.write(`${line}\n`),
    });
    return {
      workload: { reference, workload },
      pruners,
      sparsities: given.sparsity,
      blockShapes: given.block,
      allocations: given.allocation,
      overrides: given.override,
      seeds: given.seeds,
      epochs: given.epochs,
      sparsePhases: given.sparsePhases,
      reference: given.reference,
      dataFolder: resolve(dataFolder(given.data)),
      executor,
      save: given.save,
      trialTimeoutMinutes: given.trialTimeout,
      signal,
    };
  };
  if (given.dryRun) {
    const estimating = async (signal: AbortSignal) => estimateInFolder(await asked(signal), out);
    const estimated = await interruptibly(out, estimating);
    process.stdout.write(
      given.json ? `${JSON.stringify(estimated, null, 2)}\n` : describeEstimate(estimated, out),
    );
    return 0;
  }
  // Opened once it is known what can be run: what is refused leaves nothing behind.
  let store: FolderStore | undefined;
  let board: TensorBoard | undefined;
  const written = new SummaryFile(() => store as FolderStore);
  const summary = await interruptibly(out, async (signal) =>
    compareWithProgress(
      {
        ...(await asked(signal)),
        async store() {
          store = await openFolder(out);
          const { tensorboard: folder } = given;
          if (folder !== undefined) board = await tensorBoard({ folder, store, task: workload.task });
          return store;
        },
        onSummary: (summary) => written.write(summary),
      },
      () => board,
    ),
  );
  const unshown = await board?.finish();
  await written.write(summary);
  // Shown whether it could be written or not: a disk that has filled up does not take what was trained for.
  process.stdout.write(nodeReports.table(summary, { width: process.stdout.columns }));
  reportFailures(summary);
  if (unshown) process.stderr.write(`error: ${unshown}\n`);
  if (written.trouble) process.stderr.write(`error: ${written.trouble}\n`);
  else process.stdout.write(`Written to ${out}\n`);
  return unshown || written.trouble || summary.rows.some(({ status }) => status === 'failed') ? 1 : 0;
}

/** @throws UsageError where the workload has no such scale */
function scaled(workload: Workload, scale: ScaleName): Workload {
  try {
    return atScale(workload, scale);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** @param settings that the workload's recipe gives to some, by their names */
async function loadStrategies(
  asked: readonly string[],
  registry: Registry,
  settings: Workload['settings'] = {},
): Promise<Strategy[]> {
  return Promise.all(
    asked.map(async (name) => {
      const found = await withCode(await resolveReference(name, registry.pruners, 'strategy'));
      const given = settings[found.name];
      const reference = given ? { ...found, given } : found;
      return { reference, pruner: await loadPruner(reference) };
    }),
  );
}

/** @param board is asked once trials run */
async function compareWithProgress(
  compared: CompareOptions,
  board: () => TensorBoard | undefined,
): Promise<Summary> {
  const progress = showProgress();
  const watcher: Watcher = {
    ...progress,
    progressed(trial, done) {
      progress.progressed?.(trial, done);
      board()?.progressed?.(trial, done);
    },
    ended(trial, outcome, ran) {
      progress.ended?.(trial, outcome, ran);
      board()?.ended?.(trial, outcome, ran);
    },
  };
  try {
    const onSummary = async (summary: Summary) => {
      progress.summed(summary);
      await compared.onSummary?.(summary);
    };
    return await compareStrategies({ ...compared, watcher, onSummary });
  } finally {
    progress.stop();
    await board()?.finish();
  }
}

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What it takes to end trials that do not obey. */
const GRACE_MS = 10_000;

/** Told to stop, trials end with their processes, and how to go on is said. */
async function interruptibly<T>(out: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals) => {
    const message = `Interrupted: the same command with --out ${out} goes on from here`;
    interruption.abort(new InterruptedError(signal, message));
  };
  for (const signal of INTERRUPTIONS) process.once(signal, interrupt);
  try {
    return await unlessAborted(work(interruption.signal), interruption.signal, GRACE_MS);
  } finally {
    for (const signal of INTERRUPTIONS) process.removeListener(signal, interrupt);
  }
}

function reportFailures({ rows }: Summary): void {
  for (const { pruner, sparsity, blockShape, seed, status, message } of rows) {
    if (status !== 'failed') continue;
    const target = pruner === 'dense' ? '' : ` ${sparsity} ${blockShape.join('×')}`;
    process.stderr.write(`${pruner}${target} seed ${seed} failed: ${message}\n`);
  }
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replaceAll(':', '-');
}
