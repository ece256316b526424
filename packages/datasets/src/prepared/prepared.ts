/**
 * What is prepared once and read often: a folder of the user's cache, known by what it was made from. A data folder
 * itself is read, never written. For Node.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import envPaths from 'env-paths';

import { DataError } from '../data-error.js';

/** Where prepared data lies: `$XDG_CACHE_HOME` and the like lead to it. */
export function preparedRoot(): string {
  return join(envPaths('espalier', { suffix: '' }).cache, 'prepared');
}

/** The folder of what is made from what `key` names: digests of the sources, settings, the form's version. */
export function preparedFolder(name: string, key: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
  return join(preparedRoot(), `${name}-${hash}`);
}

/**
 * The folder, made where it is not there: whole or not at all, whoever else makes it at the same time.
 *
 * @param make fills an empty folder, which then gets its name
 * @throws DataError when it cannot be written, or whatever `make` throws; nothing of it is kept
 */
export async function prepared(
  name: string,
  key: unknown,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = preparedFolder(name, key);
  if (await isThere(folder)) return folder;
  await removeAbandoned(folder);
  const partial = `${folder}.${randomUUID()}.partial`;
  await mkdir(partial, { recursive: true }).catch((error: Error) => {
    throw unwritable(partial, error);
  });
  try {
    await make(partial);
    await rename(partial, folder).catch(async (error: Error) => {
      // Somebody else was sooner: theirs is the same.
      if (!(await isThere(folder))) throw unwritable(folder, error);
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** What is made in less; what stands longer is of a process that was killed. */
const ABANDONED_MS = 24 * 3600_000;

async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(dirname(folder)).catch(() => []);
  const ofIt = names.filter((name) => name.startsWith(`${basename(folder)}.`) && name.endsWith('.partial'));
  for (const path of ofIt.map((name) => join(dirname(folder), name))) {
    const { mtimeMs = Date.now() } = (await stat(path).catch(() => null)) ?? {};
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function unwritable(path: string, { message }: Error): DataError {
  return new DataError(
    `${dirname(path)} cannot be written (${message}): make room there, or point $XDG_CACHE_HOME elsewhere`,
  );
}
