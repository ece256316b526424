/** Which measures there are, for which task. */
import type { Task } from '@espalier/workloads';

import { UsageError } from './errors.js';
import builtIn from './generated/measures.js';
import { isQuality, type Measure } from './measure.js';

const measures: readonly Measure[] = builtIn;

/**
 * All that is measured of a trial of this task, in the order of the columns.
 *
 * @throws UsageError when two have one key
 */
export function measuresOf(task: Pick<Task, 'name' | 'measures'>): Measure[] {
  const forTask = measures.filter(
    (measure) => !isQuality(measure) || (measure.tasks?.includes(task.name) ?? true),
  );
  const all = [...forTask, ...(task.measures ?? [])].sort((a, b) => a.place - b.place);
  const keys = all.map(({ key }) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice === undefined) return all;
  throw new UsageError(`Two measures of the task '${task.name}' have the key '${twice}': give one another`);
}
