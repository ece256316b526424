/** Images in shards as WebDataset has them: tar archives of `<key>.jpg` and `<key>.cls`. */
import { join } from 'node:path';

import { assertFolder } from '../arguments.js';
import { imagesDigest, viewedDigest, type Part } from '../class-images/digest.js';
import { imageExamples } from '../class-images/examples.js';
import {
  settingsOf,
  withinLimits,
  type ClassImagesOptions,
  type ClassImagesSettings,
} from '../class-images/options.js';
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';
import { byName } from '../image-folder/list.js';
import { contentHashes } from '../manifest.js';
import { shardIndex, type ShardImage } from './shard-index.js';
import { listShards, partsOf, readShardsManifest } from './shards.js';
import { readStretch } from './tar.js';

interface PlacedImage extends ShardImage {
  /** The shard's path. */
  readonly shard: string;
}

/**
 * Images `[size, size, 3]` and their classes, from tar archives `train-000000.tar`, `train-000001.tar`, … and
 * `test-000000.tar` or `val-000000.tar`, …: where both are there, `val` is the validation split. An example is an image
 * `<key>.jpg`, `.jpeg` or `.png` and its class's index as text, `<key>.cls`; other files, such as `<key>.json`, are left
 * out of account. Examples are sorted by name, whatever shard they lie in: shards of a folder of images are the same
 * examples in the same order, to the bit, as `fromImageFolder` reads from it, and have its digest. How images are shown
 * is said there.
 *
 * The first time each shard is read from end to end for its index, which is remembered in the user's cache; then images
 * are read from their places, in any order. The classes' names are those of `manifest.json`, else their indices.
 *
 * @throws DataError for a shard that is missing or cut, an image without a class, a class that there is not
 * @throws RangeError or TypeError for an option that is not what it is to be
 */
export async function fromWebDataset(folder: string, options: ClassImagesOptions = {}): Promise<DataSet> {
  const of = 'fromWebDataset()';
  assertFolder(folder, of);
  const settings = settingsOf(options, of);
  const shards = await listShards(folder);
  const manifest = await readShardsManifest(folder, shards);
  const parts = await readParts(folder, partsOf(folder, shards), settings);
  const classes = manifest.classes ?? indicesOf(parts.train);
  for (const images of Object.values(parts)) assertLabels(images, classes.length);
  const limited = Object.fromEntries(
    Object.entries(parts).map(([part, images]) => [part, withinLimits(images, settings)]),
  ) as Record<Part, PlacedImage[]>;
  const { train, validation, test } = limited;
  const examplesOf = (images: readonly PlacedImage[]) =>
    imageExamples(
      {
        labels: Int32Array.from(images, ({ label }) => label),
        nameOf: (index) => nameOf(images[index] as PlacedImage),
        read: (index) => {
          const { shard, offset, length } = images[index] as PlacedImage;
          return readStretch(shard, offset, length);
        },
      },
      settings,
    );
  return {
    train: examplesOf(train),
    ...(validation && { validation: examplesOf(validation) }),
    test: examplesOf(test),
    classes: classes.slice(0, Math.min(classes.length, settings.classes)),
    digest: () => viewedDigest(imagesDigest(limited), settings.size),
  };
}

const nameOf = ({ shard, name }: PlacedImage) => `${shard}: ${name}`;

/** Each part's images, sorted by name. */
async function readParts(
  folder: string,
  parts: Partial<Record<Part, readonly string[]>>,
  { onProgress }: ClassImagesSettings,
): Promise<Record<'train' | 'test', PlacedImage[]> & Partial<Record<Part, PlacedImage[]>>> {
  const names = Object.values(parts).flat();
  const found = new Map<string, PlacedImage[]>();
  // One after another, so that a shard is hashed and then looked through while the system still has it in memory.
  for (const name of names) {
    const shard = join(folder, name);
    const [sha256] = await contentHashes(folder, [name]);
    const images = await shardIndex(shard, sha256 as string);
    found.set(
      name,
      images.map((image) => ({ ...image, shard })),
    );
    onProgress({ what: 'reading shards', done: found.size, total: names.length });
  }
  const sorted = Object.entries(parts).map(([part, ofPart]) => {
    const images = ofPart.flatMap((name) => found.get(name) as PlacedImage[]).sort(byName);
    if (images.length === 0) throw new DataError(`${join(folder, ofPart[0] as string)} has no images: fetch or prepare it again`); // prettier-ignore
    const twice = images.find(({ name }, i) => name === images[i - 1]?.name);
    if (twice) throw new DataError(`${nameOf(twice)} is in another shard too: give each image a key of its own`); // prettier-ignore
    return [part, images] as const;
  });
  return Object.fromEntries(sorted) as Record<'train' | 'test', PlacedImage[]>;
}

/** Where nothing says how many classes there are, a number beyond these is a slip of the pen. */
const MOST_CLASSES = 1_000_000;

function indicesOf(images: readonly PlacedImage[]): string[] {
  const highest = images.reduce((max, { label }) => Math.max(max, label), 0);
  const first = images.find(({ label }) => label >= MOST_CLASSES);
  if (first) {
    throw new DataError(`${nameOf(first)} is of class ${first.label}, and there can be ${MOST_CLASSES} at most: mend its .cls`); // prettier-ignore
  }
  return Array.from({ length: highest + 1 }, (_, label) => String(label));
}

function assertLabels(images: readonly PlacedImage[], classes: number): void {
  const wrong = images.find(({ label }) => label >= classes);
  if (!wrong) return;
  throw new DataError(`${nameOf(wrong)} is of class ${wrong.label}, and there are ${classes} classes, from 0: mend its .cls`); // prettier-ignore
}
