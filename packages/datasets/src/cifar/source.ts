/** Where a CIFAR data set's files lie: loose, or in an archive. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { DataError } from '../data-error.js';
import { isImage } from '../image-folder/list.js';
import { contentHashes } from '../manifest.js';
import { readArchive } from './archive.js';
import type { CifarForm } from './form.js';

export interface SourceFile {
  /** Under the source, with `/`: `train/cat/0007.png`. */
  readonly path: string;
  bytes(): Promise<Uint8Array>;
}

export interface Source {
  /** For messages. */
  readonly name: string;
  /** What it holds is known by, without reading it all. */
  readonly key: string;
  /** Whether what is read may be images to decode. */
  readonly mayHaveImages: boolean;
  files(): Promise<readonly SourceFile[]>;
}

const ARCHIVE = /\.(tar|tar\.gz|tgz)$/i;

/** Where it lies is looked for in the order of these: the release, folders of images, an archive of either. */
export async function findSource(folder: string, form: CifarForm): Promise<Source> {
  const place = join(folder, form.name);
  const names = (await namesIn(place)).sort();
  return (
    (await findRelease(place, form)) ??
    (await findRelease(join(place, form.releaseFolder), form)) ??
    (await findFolders(place, names)) ??
    (await findArchive(place, names)) ??
    missing(place, form)
  );
}

/** None where it is not there. */
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

function missing(place: string, { title, name, releaseArchive }: CifarForm): never {
  throw new DataError(
    `${place} has no ${title}: put ${releaseArchive} of https://www.cs.toronto.edu/~kriz/cifar.html there, ` +
      `or folders train/<class> and test/<class> of images, or point --data or $ESPALIER_DATA to the folder that holds ${name}/`,
  );
}

async function findRelease(place: string, { release }: CifarForm): Promise<Source | null> {
  const wanted = [...release.train, ...release.test];
  const there = await namesIn(place);
  if (!wanted.some((name) => there.includes(name))) return null;
  const absent = wanted.find((name) => !there.includes(name));
  if (absent !== undefined) {
    throw new DataError(`${join(place, absent)} is missing beside the others: unpack the archive again`);
  }
  return {
    name: place,
    key: (await contentHashes(place, wanted)).join(),
    mayHaveImages: false,
    files: async () => wanted.map((path) => fileIn(place, path)),
  };
}

async function findFolders(place: string, names: readonly string[]): Promise<Source | null> {
  if (!names.includes('train') && !names.includes('test')) return null;
  const paths: string[] = [];
  for (const split of ['train', 'test']) {
    for (const name of await subfolders(join(place, split))) {
      const images = await readdir(join(place, split, name)).catch((error: Error) => {
        throw unreadable(join(place, split, name), error);
      });
      paths.push(...images.filter(isVisibleImage).map((image) => `${split}/${name}/${image}`));
    }
  }
  return {
    name: place,
    key: await listingHash(place, paths),
    mayHaveImages: true,
    files: async () => paths.map((path) => fileIn(place, path)),
  };
}

async function findArchive(place: string, names: readonly string[]): Promise<Source | null> {
  const [archive, another] = names.filter((name) => ARCHIVE.test(name) && !name.startsWith('.'));
  if (archive === undefined) return null;
  if (another !== undefined) {
    throw new DataError(`${place} has two archives, ${archive} and ${another}: leave one of them there`);
  }
  const path = join(place, archive);
  const [key = ''] = await contentHashes(place, [archive]);
  return {
    name: path,
    key,
    mayHaveImages: true,
    files: () => readArchive(path, (entry) => entry.endsWith('.bin') || isVisibleImage(entry)),
  };
}

/** Files that begin with a point are an operating system's own. */
export function isVisibleImage(path: string): boolean {
  return isImage(path) && !basename(path).startsWith('.');
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new DataError(`${folder} is missing or cannot be read: put the folders of its classes there`);
  });
  const names = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name);
  return names.filter((name) => !name.startsWith('.')).sort();
}

const fileIn = (folder: string, path: string): SourceFile => ({
  path,
  bytes: () =>
    readFile(join(folder, path)).catch((error: Error) => {
      throw unreadable(join(folder, path), error);
    }),
});

const unreadable = (path: string, { message }: Error) =>
  new DataError(`${path} cannot be read (${message}): fetch it again`);

/** Files are asked for their size and time so many at once. */
const AT_ONCE = 256;

/** Of names, sizes and times: tens of thousands of images are not read for it. */
async function listingHash(folder: string, paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (let first = 0; first < paths.length; first += AT_ONCE) {
    const some = paths.slice(first, first + AT_ONCE);
    const found = await Promise.all(some.map((path) => stat(join(folder, path)))).catch((error: Error) => {
      throw unreadable(folder, error);
    });
    found.forEach(({ size, mtimeMs }, i) => hash.update(`${some[i]} ${size} ${mtimeMs}\n`));
  }
  return hash.digest('hex');
}
