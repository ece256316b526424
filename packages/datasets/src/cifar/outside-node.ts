/** What stands for `@espalier/datasets/cifar` in a browser's bundle, where there are no files to read. */
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';

export { cifar10Statistics, cifar100Statistics } from './forms.js';

/** @throws DataError always */
export async function loadCifar10(_folder: string, _options: object = {}): Promise<DataSet> {
  throw outsideNode('CIFAR-10');
}

/** @throws DataError always */
export async function loadCifar100(_folder: string, _options: object = {}): Promise<DataSet> {
  throw outsideNode('CIFAR-100');
}

const outsideNode = (title: string) =>
  new DataError(
    `${title} is read from files, for which it takes Node: give the workload a load() of its own`,
  );
