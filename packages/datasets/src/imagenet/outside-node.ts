/** What stands for `@espalier/datasets/imagenet` in a browser's bundle, where there are no files to read. */
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';

/** @throws DataError always */
export async function loadImageNet(_folder: string): Promise<DataSet> {
  throw new DataError(
    'ImageNet is read from files, for which it takes Node: give the workload a load() of its own',
  );
}
