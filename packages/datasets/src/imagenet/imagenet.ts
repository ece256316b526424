/** ImageNet (ILSVRC 2012), as folders of classes or as shards. It is not downloaded: its licence is asked for at image-net.org. */
import { join } from 'node:path';

import { assertFolder } from '../arguments.js';
import { settingsOf, type ClassImagesOptions } from '../class-images/options.js';
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';
import { imageFolderSet } from '../image-folder/image-folder.js';
import { isThere } from '../image-folder/list.js';
import { listShards } from '../webdataset/shards.js';
import { fromWebDataset } from '../webdataset/webdataset.js';

/**
 * ImageNet, or anything that lies as it does: `imagenet/train/<class>/` and `imagenet/val/<class>/`, or the shards
 * `imagenet/train-000000.tar`, … and `imagenet/val-000000.tar`, …; the shards where both are there. `val` is what is
 * judged by, since the labels of ImageNet's test images were never published: a folder `test/` is not looked at.
 *
 * @param folder the data folder
 * @throws DataError for what is missing or damaged
 * @throws RangeError or TypeError for an option that is not what it is to be
 */
export async function loadImageNet(folder: string, options: ClassImagesOptions = {}): Promise<DataSet> {
  const of = 'loadImageNet()';
  assertFolder(folder, of);
  const settings = settingsOf(options, of);
  const root = join(folder, 'imagenet');
  if (!(await isThere(root))) throw missing(root);
  if ((await listShards(root)).has('train')) return fromWebDataset(root, options);
  if (!(await isThere(join(root, 'train')))) throw missing(root);
  return imageFolderSet(root, { train: 'train', test: 'val' }, settings);
}

function missing(root: string): DataError {
  return new DataError(
    `${root} has neither train/ nor train-000000.tar: put ImageNet's images there as train/<class>/ and val/<class>/, or point --data or $ESPALIER_DATA to the folder that holds imagenet/`,
  );
}
