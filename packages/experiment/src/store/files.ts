/** Files that appear whole or not at all, for Node; and errors that name the place. */
import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { processLives, thisHost } from './owner.js';
import { Doubtful, StoreError } from './trouble.js';

type Content = string | Uint8Array;

/** A file that is being written: `.<name>.<host>-<pid>-<something>.partial`. */
const PARTIAL = /^\..+\.(?<host>[0-9a-f]+)-(?<pid>\d+)-[0-9a-f-]+\.partial$/;

/**
 * Writes a file under another name first and renames it, so that it appears whole or not at all.
 *
 * @param allowed is asked once the content lies on the disk, and throws where it may not take its place
 * @throws StoreError where it cannot be written
 */
export async function putInPlace(
  path: string,
  content: Content,
  allowed?: () => Promise<void>,
): Promise<void> {
  await withPartial(path, content, async (partial) => {
    await allowed?.();
    await rename(partial, path);
  });
}

/** @returns false where there is something already, which stays */
export async function createOnce(
  path: string,
  content: Content,
  allowed?: () => Promise<void>,
): Promise<boolean> {
  return withPartial(path, content, async (partial) => {
    await allowed?.();
    try {
      await link(partial, path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return false;
      // A file system without links.
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
      return exclusively(path, content);
    }
  });
}

async function exclusively(path: string, content: Content): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(content).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function withPartial<T>(
  path: string,
  content: Content,
  use: (partial: string) => Promise<T>,
): Promise<T> {
  const name = `.${basename(path)}.${thisHost()}-${process.pid}-${randomUUID()}.partial`;
  const partial = join(dirname(path), name);
  try {
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    return await use(partial);
  } catch (error) {
    throw asStoreError(error, path, 'written');
  } finally {
    await rm(partial, { force: true }).catch(() => {});
  }
}

/** Null where there is none. @throws Doubtful or StoreError */
export async function readOr(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'EISDIR') throw new StoreError(`${path} is a folder where a file should be: remove it`);
    throw new Doubtful(`${path} cannot be read (${message})`);
  }
}

/** Removes what processes that have ended were writing, or all that is being written there but for leases. */
export async function removePartials(folder: string, which: 'of the dead' | 'all'): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const left = names.filter((name) => {
    const { host, pid } = PARTIAL.exec(name)?.groups ?? {};
    if (host === undefined) return false;
    if (host === thisHost() && !processLives(Number(pid))) return true;
    // Leases are what commands that do not yet own anything write.
    return which === 'all' && !name.startsWith('.lease-');
  });
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true }).catch(() => {})));
}

/** @throws StoreError where a folder lies in a file's place */
export async function assertNoFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory()) throw new StoreError(`${path} is a folder where a file should be: remove it`);
}

/** An error of the file system in words; others stay as they are. */
export function asStoreError(
  error: unknown,
  path: string,
  what: 'written' | 'read' | 'made' | 'removed',
): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const remedy =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'make room and run again'
      : code === 'ENOENT'
        ? 'the folder was removed; run again'
        : 'mend it, or choose another folder with --out';
  return new StoreError(
    `${path} cannot be ${what} (${message}): ${remedy}, nothing that is finished is lost`,
  );
}
