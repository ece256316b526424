/** Images in folders of classes, as ImageNet and many sets of one's own lie: `train/<class>/*.jpg`, `val/<class>/*.jpg`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { assertFolder } from '../arguments.js';
import { imagesDigest, viewedDigest, type HashedImage, type Part } from '../class-images/digest.js';
import { imageExamples, severalAtATime } from '../class-images/examples.js';
import {
  settingsOf,
  withinLimits,
  type ClassImagesOptions,
  type ClassImagesSettings,
} from '../class-images/options.js';
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';
import { contentHashes } from '../manifest.js';
import { isThere, listClasses, listImages, type ListedImage } from './list.js';

/** The folder of each part. */
export interface PartFolders {
  readonly train: string;
  readonly validation?: string;
  readonly test: string;
}

/** A part's images, where they lie. */
export interface FolderPart {
  readonly folder: string;
  readonly images: readonly ListedImage[];
}

export interface FolderParts {
  readonly train: FolderPart;
  readonly validation?: FolderPart;
  readonly test: FolderPart;
}

/**
 * Images `[size, size, 3]` and their classes, from `train/<class>/` and from `test/<class>/` or `val/<class>/`: where
 * both are there, `val` is the validation split. Files are JPEG or PNG (`.jpg`, `.jpeg`, `.png`, in capitals too). Classes are the
 * sorted names of the folders, examples in the order of `<class>/<file>`. Nothing but the list is held in memory: images
 * are read and decoded when they are gathered.
 *
 * Training shows a random part of an image, mirrored by chance; evaluation resizes its shorter side to 256/224 of the
 * size and shows the middle; colours are standardised by ImageNet's mean and deviation. Pixels depend on the file, the
 * draw's seed and epoch, and the example's index alone.
 *
 * The digest is of the files' contents, each of which is read once and remembered in the user's cache by size and time.
 *
 * @throws DataError for a folder or an image that is not there or cannot be read, a class without training images
 * @throws RangeError or TypeError for an option that is not what it is to be
 */
export async function fromImageFolder(folder: string, options: ClassImagesOptions = {}): Promise<DataSet> {
  const of = 'fromImageFolder()';
  assertFolder(folder, of);
  const settings = settingsOf(options, of);
  const [test, val] = await Promise.all(['test', 'val'].map((name) => isThere(join(folder, name))));
  if (!test && !val) {
    throw new DataError(`${folder} has neither test/ nor val/: put images to judge by into ${join(folder, 'val', '<class>')}`); // prettier-ignore
  }
  const folders = { train: 'train', ...(test && val && { validation: 'val' }), test: test ? 'test' : 'val' };
  return imageFolderSet(folder, folders, settings);
}

export async function imageFolderSet(
  folder: string,
  folders: PartFolders,
  settings: ClassImagesSettings,
): Promise<DataSet> {
  const { classes, parts } = await listParts(folder, folders, settings);
  const examplesOf = ({ folder, images }: FolderPart) =>
    imageExamples(
      {
        labels: Int32Array.from(images, ({ label }) => label),
        nameOf: (index) => join(folder, images[index]!.name),
        read: (index) => readWhole(join(folder, images[index]!.name)),
      },
      settings,
    );
  const { train, validation, test } = parts;
  return {
    train: examplesOf(train),
    ...(validation && { validation: examplesOf(validation) }),
    test: examplesOf(test),
    classes,
    digest: async () => viewedDigest(await digestOf(parts, settings), settings.size),
  };
}

/** @throws DataError for a class without training images */
export async function listParts(
  folder: string,
  folders: PartFolders,
  settings: Pick<ClassImagesSettings, 'classes' | 'imagesPerClass'>,
): Promise<{ classes: string[]; parts: FolderParts }> {
  const classes = await listClasses(join(folder, folders.train));
  const part = async (name: string): Promise<FolderPart> => {
    const images = withinLimits(await listImages(join(folder, name), classes), settings);
    return { folder: join(folder, name), images };
  };
  const train = await part(folders.train);
  const kept = classes.slice(0, Math.min(classes.length, settings.classes));
  const seen = new Set(train.images.map(({ label }) => label));
  const empty = kept.find((_, label) => !seen.has(label));
  if (empty !== undefined) {
    throw new DataError(`${join(folder, folders.train, empty)} has no images: put some there, or remove the folder`); // prettier-ignore
  }
  const { validation, test } = folders;
  const parts = {
    train,
    ...(validation !== undefined && { validation: await part(validation) }),
    test: await part(test),
  };
  return { classes: kept, parts };
}

/** Classes are hashed a few at a time, and each is remembered when it is done. */
async function digestOf(
  parts: FolderParts,
  { concurrency, onProgress }: ClassImagesSettings,
): Promise<string> {
  const all = Object.entries(parts) as [Part, FolderPart][];
  const total = all.reduce((sum, [, { images }]) => sum + images.length, 0);
  let done = 0;
  const hashed: Partial<Record<Part, readonly HashedImage[]>> = {};
  for (const [name, { folder, images }] of all) {
    const ofClasses = byClass(images);
    const hashes = new Map<string, string>();
    await severalAtATime(ofClasses.length, concurrency, async (i) => {
      const ofClass = ofClasses[i] as ListedImage[];
      const [className = ''] = ofClass[0]!.name.split('/');
      const files = ofClass.map(({ name }) => name.slice(className.length + 1));
      const found = await contentHashes(join(folder, className), files);
      ofClass.forEach(({ name }, j) => hashes.set(name, found[j] as string));
      done += files.length;
      onProgress({ what: 'reading images', done, total });
    });
    hashed[name] = images.map((image) => ({ ...image, sha256: hashes.get(image.name) as string }));
  }
  return imagesDigest(hashed);
}

function byClass(images: readonly ListedImage[]): ListedImage[][] {
  const classes = new Map<number, ListedImage[]>();
  for (const image of images) {
    const ofClass = classes.get(image.label);
    if (ofClass) ofClass.push(image);
    else classes.set(image.label, [image]);
  }
  return [...classes.values()];
}

async function readWhole(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): fetch or prepare it again`);
  });
}
