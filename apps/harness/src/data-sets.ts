/** The data sets that `espalier data` knows: where they come from, and what is made of them once. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { DataSet, PreparationProgress } from '@espalier/datasets';
import { cifarDownloads, loadCifar10, loadCifar100 } from '@espalier/datasets/cifar';
import { loadCriteo } from '@espalier/datasets/criteo';
import type { Download } from '@espalier/datasets/download';
import { prepareImageNet } from '@espalier/datasets/imagenet';
import { mnistDownload } from '@espalier/datasets/mnist';

export interface KnownDataSet {
  readonly name: string;
  /** One line, for lists. */
  readonly description: string;
  /** Null where its owner's leave is needed, and where it comes with Espalier. */
  readonly download: Download | null;
  /** How to come by it otherwise. */
  readonly obtain: string | null;
  /** Reads it once, so that trials need not; null where there is nothing to prepare. */
  readonly prepare: ((options: PrepareOptions) => Promise<string>) | null;
}

interface PrepareOptions {
  readonly dataFolder: string;
  /** Where raw files lie, if not in the data folder. */
  readonly from?: string;
  /** The shorter side of images that are larger; null keeps them as they are. */
  readonly size?: number | null;
  readonly onProgress: (progress: PreparationProgress) => void;
  readonly signal: AbortSignal;
}

/** Of a set that is prepared when it is loaded first. */
const byLoading =
  (load: (folder: string, options: Pick<PrepareOptions, 'onProgress'>) => Promise<DataSet>) =>
  async ({ dataFolder, onProgress }: PrepareOptions): Promise<string> => {
    const set = await load(dataFolder, { onProgress });
    await set.close?.();
    return `${set.train.count} examples to train on, ${set.test.count} for the test`;
  };

const [cifar10Download, cifar100Download] = cifarDownloads;

export const dataSets: readonly KnownDataSet[] = [
  {
    name: 'mnist',
    description: 'handwritten digits, 28 × 28: 60,000 and 10,000 (LeCun, Cortes, Burges 1998)',
    download: mnistDownload,
    obtain: null,
    prepare: null,
  },
  {
    name: 'cifar10',
    description: 'photographs of 10 classes, 32 × 32: 50,000 and 10,000 (Krizhevsky 2009)',
    download: cifar10Download,
    obtain: null,
    prepare: byLoading(loadCifar10),
  },
  {
    name: 'cifar100',
    description: 'photographs of 100 classes, 32 × 32: 50,000 and 10,000 (Krizhevsky 2009)',
    download: cifar100Download,
    obtain: null,
    prepare: byLoading(loadCifar100),
  },
  {
    name: 'criteo',
    description: 'clicks on advertisements: 13 numbers and 26 categories, 45.8 million rows (Criteo 2014)',
    download: null,
    obtain:
      'download it from its owner, whose terms it comes under (Kaggle, Criteo Display Advertising Challenge), and put ' +
      'train.txt, or train.txt.gz, into <data>/criteo/',
    prepare: byLoading(loadCriteo),
  },
  {
    name: 'imagenet',
    description: 'photographs of 1,000 classes: 1.28 million and 50,000 (Russakovsky et al. 2015)',
    download: null,
    obtain:
      'download it from its owner, whose terms it comes under (image-net.org, ILSVRC 2012), and unpack it into ' +
      '<data>/imagenet/train/<class>/ and <data>/imagenet/val/<class>/, or put WebDataset shards into <data>/imagenet/',
    async prepare({ dataFolder, from, ...options }) {
      const to = join(dataFolder, 'imagenet');
      const { images, shards } = await prepareImageNet({ ...options, from: from ?? to, to });
      return `${images} images in ${shards} shards in ${to}`;
    },
  },
];

/** What of it is in the data folder. */
export async function standing({ name, download }: KnownDataSet, dataFolder: string): Promise<string> {
  const folder = join(dataFolder, name);
  const files = await readdir(folder).catch(() => []);
  if (files.length === 0) return 'not there';
  const lacking = download?.files.filter((file) => !existsSync(join(folder, file.name))) ?? [];
  const isPartial = lacking.some((file) => existsSync(join(folder, `${file.name}.partial`)));
  if (isPartial) return 'in part: `data get` goes on';
  return 'there';
}
