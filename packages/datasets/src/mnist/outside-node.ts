/** What stands for `@espalier/datasets/mnist` in a browser's bundle, where there are no files to read. */
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';

/** @throws DataError always */
export async function loadMnist(_folder: string): Promise<DataSet> {
  throw new DataError(
    'MNIST is read from files, for which it takes Node: give the workload a load() of its own',
  );
}
