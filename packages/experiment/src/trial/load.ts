/** A workload's data, if they come. */
import { cutValidation } from '@espalier/datasets';
import type { LoadOptions, Workload, WorkloadData } from '@espalier/workloads';

import { within } from '../patience.js';
import type { Reference, Trial } from './trial.js';

const LIMIT_MS = 20 * 60_000;

export interface LoadedSplit extends LoadOptions {
  /** By which examples a trial is judged; where it is the validation split, they stand in the place of the test set. */
  readonly split?: Trial['split'];
}

/** @throws UsageError, naming the workload's file, when they do not */
export async function loadData(
  workload: Workload,
  { module }: Pick<Reference, 'module'>,
  { split, ...options }: LoadedSplit,
): Promise<WorkloadData> {
  // In a function of its own: what it throws at once is thrown in its time, too.
  const loading = (async () => workload.load(options))();
  const data = await within(loading, {
    ms: LIMIT_MS,
    what: `load() of the workload '${workload.name}'${module === null ? '' : ` of ${module}`}`,
    remedy: 'mend it, or prepare beforehand what takes longer',
  });
  return split ? judgedByValidation(data) : data;
}

/** The test set is not looked at: a part of the training examples stands in its place, the same for every seed. */
function judgedByValidation(data: WorkloadData): WorkloadData {
  const { validation, ...rest } = cutValidation(data);
  return { ...rest, test: validation as WorkloadData['test'] };
}
