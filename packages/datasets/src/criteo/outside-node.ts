/** What stands for `@espalier/datasets/criteo` in a browser's bundle, where there are no files to read. */
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';

/** @throws DataError always */
export async function loadCriteo(_folder: string): Promise<DataSet> {
  throw new DataError(
    'Criteo is read from files, for which it takes Node: give the workload a load() of its own',
  );
}
