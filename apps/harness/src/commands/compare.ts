/** `espalier compare`: the dense baseline and every strategy on the same workload, and the table of what came out. */
import { join } from 'node:path';

import {
  compare as compareStrategies,
  UsageError,
  type CompareOptions,
  type Summary,
  type Watcher,
} from '@espalier/experiment';
import {
  nodeReports,
  openStore,
  storeAddress,
  tensorBoard,
  withoutSecrets,
  type AddressedStore,
  type TensorBoard,
} from '@espalier/experiment/node';
import type { Workload } from '@espalier/workloads';
import { Option, type Command as Commander } from 'commander';

import { goesOnIn, interruptibly } from '../interruptible.js';
import { showProgress } from '../live/progress.js';
import * as options from '../options.js';
import { readSettings, tunedFor, type Tuned } from '../settings.js';
import { assertTrainable, untuned } from '../strategies.js';
import { dataFolderOf, executorOf, loadSubject, timestamp, type Subject } from '../subject.js';
import { SummaryFile } from '../summary-file.js';
import { withQueue } from '../with-queue.js';
import type { Command } from './command.js';
import { describeEstimate, estimateInFolder } from './dry-run.js';
import {
  allocation,
  computing,
  queued,
  subject,
  type AllocationOptions,
  type ComputingOptions,
  type QueueOptions,
  type SubjectOptions,
} from './shared-options.js';

/** What is compared, and where. */
export interface ComparisonOptions extends SubjectOptions, AllocationOptions, ComputingOptions {
  readonly seeds?: readonly number[];
  readonly settings?: string;
  readonly save?: 'none' | 'models';
}

export interface CompareCommandOptions extends ComparisonOptions, QueueOptions {
  readonly detach?: boolean;
  readonly reference: string;
  readonly tensorboard?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export const compare: Command = {
  usage: 'compare',
  description: 'train the dense baseline and every strategy on one workload, and print the comparison',
  arguments: (command) =>
    queued(comparison(command))
      .option('--detach', 'with --queue: file the trials, and do not wait for them')
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

export function comparison(command: Commander): Commander {
  return computing(allocation(subject(command)))
    .option('--seeds <0,1,2>', "seeds (default: the workload's)", options.seeds)
    .option(
      '--settings <file>',
      'settings that espalier tune chose, or its folder (default: the strategies’ own)',
    )
    .addOption(
      new Option('--save <none,models>', 'keep the final models, dense and compressed, and their masks')
        .choices(['none', 'models'])
        .default('none'),
    );
}

export interface AskedComparison {
  readonly workload: Workload;
  /** Where results go: a store's address. */
  readonly out: string;
  options(signal: AbortSignal): Promise<CompareOptions>;
}

/** @throws UsageError for what there is not */
export async function askedComparison(given: ComparisonOptions): Promise<AskedComparison> {
  const loaded = await loadSubject(given);
  const { workload } = loaded.compared;
  const tuned = await tunedOf(loaded, given);
  assertTrainable(workload, [tuned.dense ?? {}, ...tuned.pruners.map(({ training = {} }) => training)]);
  const out = storeAddress(given.out ?? join('runs', `${timestamp()}-${workload.name}`));
  const asked = async (signal: AbortSignal): Promise<CompareOptions> => ({
    workload: loaded.compared,
    ...tuned,
    sparsities: given.sparsity,
    blockShapes: given.block,
    allocations: given.allocation,
    overrides: given.override,
    seeds: given.seeds,
    epochs: given.epochs,
    sparsePhases: given.sparsePhases,
    dataFolder: dataFolderOf(given),
    executor: await executorOf(given),
    save: given.save,
    trialTimeoutMinutes: given.trialTimeout,
    signal,
  });
  return { workload, out, options: asked };
}

/** @returns the exit code: 0, or 1 when a trial failed */
export async function run(given: CompareCommandOptions): Promise<number> {
  if (given.json && !given.dryRun) {
    throw new UsageError('--json is for --dry-run: a comparison writes its own as summary.json');
  }
  const { workload, out, options } = await askedComparison(given);
  const asked = async (signal: AbortSignal) => ({
    ...(await options(signal)),
    reference: given.reference,
  });
  if (given.detach && given.queue === undefined) {
    throw new UsageError('--detach is for --queue: without one, nobody else trains');
  }
  if (given.dryRun) {
    const estimating = async (signal: AbortSignal) => estimateInFolder(await asked(signal), out);
    const estimated = await interruptibly(goesOnIn(out), estimating);
    process.stdout.write(
      given.json ? `${JSON.stringify(estimated, null, 2)}\n` : describeEstimate(estimated, out),
    );
    return 0;
  }
  // Opened once it is known what can be run: what is refused leaves nothing behind.
  let store: AddressedStore | undefined;
  let board: TensorBoard | undefined;
  const written = new SummaryFile(() => store as AddressedStore);
  const summary = await interruptibly(goesOnIn(out), (signal) =>
    withQueue(given, signal, async (dispatch) =>
      compareWithProgress(
        {
          ...(await asked(signal)),
          dispatch,
          async store() {
            store = await openStore(out);
            const { tensorboard: folder } = given;
            if (folder !== undefined) board = await tensorBoard({ folder, store, task: workload.task });
            return store;
          },
          onSummary: (summary) => written.write(summary),
        },
        () => board,
      ),
    ),
  );
  if (given.detach) return detached(summary, out, given);
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

async function tunedOf(
  { compared, asked }: Subject,
  { settings: path, sparsity, block, ...given }: ComparisonOptions,
): Promise<Tuned> {
  if (path === undefined) return { pruners: await untuned(asked), dense: asked.dense };
  const settings = await readSettings(path);
  const { seeds, epochs, override: overrides, allocation: allocations } = given;
  const axes = { sparsities: sparsity, blockShapes: block, seeds, epochs, overrides, allocations };
  return tunedFor(asked, { settings, path }, compared.workload, axes);
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

/** Nothing is printed of what has not ended. */
function detached({ planned, rows }: Summary, out: string, { queue = '' }: QueueOptions): number {
  process.stdout.write(
    `${(planned ?? rows.length) - rows.length} of ${planned} trials filed at ${withoutSecrets(queue)}: espalier status ${out} shows how they stand, ` +
      'and the same command without --detach waits for them\n',
  );
  return 0;
}

function reportFailures({ rows }: Summary): void {
  for (const { pruner, sparsity, blockShape, seed, status, message } of rows) {
    if (status !== 'failed') continue;
    const target = pruner === 'dense' ? '' : ` ${sparsity} ${blockShape.join('×')}`;
    process.stderr.write(`${pruner}${target} seed ${seed} failed: ${message}\n`);
  }
}
