/** A workload's data, if they come. */
import type { LoadOptions, Workload, WorkloadData } from '@espalier/workloads';

import { within } from '../patience.js';
import type { Reference } from './trial.js';

const LIMIT_MS = 20 * 60_000;

/** @throws UsageError, naming the workload's file, when they do not */
export async function loadData(
  workload: Workload,
  { module }: Pick<Reference, 'module'>,
  options: LoadOptions,
): Promise<WorkloadData> {
  // In a function of its own: what it throws at once is thrown in its time, too.
  const loading = (async () => workload.load(options))();
  return within(loading, {
    ms: LIMIT_MS,
    what: `load() of the workload '${workload.name}'${module === null ? '' : ` of ${module}`}`,
    remedy: 'mend it, or prepare beforehand what takes longer',
  });
}
