/** Which images there are in a folder of folders of classes. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';

import { DataError } from '../data-error.js';

export interface ListedImage {
  /** `<class>/<file>`. */
  readonly name: string;
  readonly label: number;
}

const IMAGES = ['.jpg', '.jpeg', '.png'];

/** By its name. */
export const isImage = (name: string) => IMAGES.includes(extname(name).toLowerCase());

/** By code units: the same order on every machine. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }) =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/**
 * The names of the folders of classes, sorted.
 *
 * @throws DataError when there is none, or an image lies beside them
 */
export async function listClasses(folder: string): Promise<string[]> {
  const entries = await entriesOf(folder);
  const loose = entries.find((entry) => entry.isFile() && isImage(entry.name));
  if (loose) {
    throw new DataError(`${join(folder, loose.name)} lies in no class: put each image into a folder of its class's name`); // prettier-ignore
  }
  const folders = await Promise.all(
    entries.map(async (entry) => ((await isFolder(folder, entry)) ? [entry.name] : [])),
  );
  const classes = folders.flat().sort();
  if (classes.length > 0) return classes;
  throw new DataError(`${folder} has no folders of classes: put images into ${join(folder, '<class>')}`);
}

/**
 * The images of a part, such as `train`, sorted by `<class>/<file>`. Other files are left out of account.
 *
 * @param classes in the order of their indices
 * @throws DataError for a folder that is none of the classes, or where there is no image
 */
export async function listImages(folder: string, classes: readonly string[]): Promise<ListedImage[]> {
  const labels = new Map(classes.map((name, label) => [name, label]));
  const images: ListedImage[] = [];
  for (const name of await listClasses(folder)) {
    const label = labels.get(name);
    if (label === undefined) {
      throw new DataError(
        `${join(folder, name)} is a class that the training images have not: move it, or give it images to train on`,
      );
    }
    for (const entry of await entriesOf(join(folder, name))) {
      if (isImage(entry.name) && !entry.isDirectory()) images.push({ name: `${name}/${entry.name}`, label });
    }
  }
  if (images.length > 0) return images.sort(byName);
  throw new DataError(`${folder} has no images (${IMAGES.join(', ')}) in its folders of classes: put some there`); // prettier-ignore
}

/** Hidden ones are nobody's data. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: Error) => {
    throw new DataError(`${folder} cannot be read (${error.message}): put folders of classes there, with images`); // prettier-ignore
  });
  return entries.filter(({ name }) => !name.startsWith('.'));
}

async function isFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(join(folder, entry.name)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
