/** What `compare --dry-run` prints: the trials, and what they would take. */
import {
  duration,
  estimate,
  formatBytes,
  type CompareOptions,
  type Estimate,
  type EstimatedTrial,
} from '@espalier/experiment';
import { storeAt } from '@espalier/experiment/node';
import Table from 'cli-table3';

import { showProgress } from '../live/progress.js';

/** So many rows are read; of more, those of one strategy are put together. */
const ROWS = 30;

/** Of what is left to do in this folder, which need not be there. */
export async function estimateInFolder(compared: CompareOptions, out: string): Promise<Estimate> {
  const life = showProgress();
  try {
    // Since this process was started.
    return await estimate({ ...compared, store: () => storeAt(out) }, 0);
  } finally {
    life.stop();
  }
}

/** In at most 100 columns. */
export function describeEstimate(estimate: Estimate, out: string): string {
  const { workload, epochs, device, jobs, trials } = estimate;
  const of = (state: EstimatedTrial['state']) => trials.filter((trial) => trial.state === state).length;
  const beside =
    estimate.checkpointBytes > 0 ? `, and ${formatBytes(estimate.checkpointBytes)} while it runs` : '';
  const memory = estimate.memoryBytes === null ? 'not known' : `about ${formatBytes(estimate.memoryBytes)}`;
  return [
    `${workload}, ${epochs} epochs, on ${device}; ${jobs} side by side`,
    tableOf(trials),
    `Trials  ${trials.length}: ${of('done')} done in ${out}, ${of('begun')} begun, ${of('to do')} to do`,
    `Time    about ${duration(estimate.timeMs)}`,
    `Disk    about ${formatBytes(estimate.diskBytes)}${beside}`,
    `Memory  ${memory}`,
    'Nothing was written. Times are from a few steps of each strategy at its first target.',
    '',
  ].join('\n');
}

function tableOf(trials: readonly EstimatedTrial[]): string {
  const byTarget = groupsOf(trials, ({ pruner, ...trial }) => `${pruner} ${targetOf(trial)}`);
  const groups = byTarget.length > ROWS ? groupsOf(trials, ({ pruner }) => pruner) : byTarget;
  const table = new Table({
    head: ['strategy', 'target', 'seeds', 'done', 'a trial', 'in all'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right'],
    colWidths: [32, 18, 12, 12, 9, 9],
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
    wordWrap: true,
    wrapOnWordBoundary: false,
  });
  for (const group of groups) {
    const left = group.filter(({ state }) => state !== 'done');
    const timeMs = left.reduce((sum, trial) => sum + trial.timeMs, 0);
    table.push([
      group[0]!.pruner,
      severalOf(group.map(targetOf), 'targets'),
      severalOf(
        group.map(({ seed }) => String(seed)),
        'seeds',
      ),
      `${group.length - left.length} of ${group.length}`,
      left.length > 0 ? duration(timeMs / left.length) : '–',
      left.length > 0 ? duration(timeMs) : '–',
    ]);
  }
  return table.toString();
}

/** In the order in which their first ones are. */
function groupsOf(
  trials: readonly EstimatedTrial[],
  keyOf: (trial: EstimatedTrial) => string,
): EstimatedTrial[][] {
  const groups = new Map<string, EstimatedTrial[]>();
  for (const trial of trials) {
    const key = keyOf(trial);
    groups.set(key, [...(groups.get(key) ?? []), trial]);
  }
  return [...groups.values()];
}

function targetOf({ sparsity, blockShape, allocation, overrides }: Omit<EstimatedTrial, 'pruner'>): string {
  if (!allocation) return '–';
  const shared = allocation.name === 'uniform' ? '' : ` ${allocation.name}`;
  const own = overrides ? ` and ${Object.keys(overrides).length} of their own` : '';
  return `${sparsity} ${blockShape.join('×')}${shared}${own}`;
}

/** Those that differ, where they are few; else how many. */
function severalOf(texts: readonly string[], what: string): string {
  const distinct = [...new Set(texts)];
  const all = distinct.join(', ');
  return distinct.length === 1 || all.length <= 10 ? all : `${distinct.length} ${what}`;
}
