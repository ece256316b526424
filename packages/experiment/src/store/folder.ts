/**
 * A store in a folder, for Node: `summary.json` and its like in it, and under `trials/` a folder for each trial, with
 * `config.json`, `metrics.jsonl`, `checkpoint.bin` and a lease while it runs, `choices.json` and `result.json` once it has
 * ended.
 */
import { access, constants, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { assertArgument } from '@espalier/core';

import { aPath } from '../arguments.js';
import { UsageError } from '../errors.js';
import { within } from '../patience.js';
import { createOnce, putInPlace, readOr, removePartials } from './files.js';
import { LEASE_TIMES, type LeaseTimes } from './lease.js';
import { makeFolder } from './make-folder.js';
import { NOBODY, type Store } from './store.js';
import { trialFolder } from './trial-folder.js';
import { Doubtful } from './trouble.js';

export interface FolderStore extends Store {
  /** The folder's absolute path. */
  readonly address: string;
}

/** @throws UsageError when the folder cannot be made or written to */
export async function openFolder(folder: string): Promise<FolderStore> {
  assertArgument('openFolder()', 'folder', folder, aPath);
  const path = resolve(folder);
  try {
    await within(makeFolder(path), {
      ...{ ms: 30_000, what: `Making ${path}` },
      remedy: 'the disk does not answer',
    });
    await access(path, constants.W_OK);
  } catch (error) {
    throw new UsageError(
      `The output folder ${path} cannot be written to (${(error as Error).message}): choose another with --out`,
    );
  }
  await removePartials(path, 'of the dead');
  return folderStore(path);
}

/** @param folder that exists */
export function folderStore(folder: string, times: LeaseTimes = LEASE_TIMES): FolderStore {
  assertArgument('folderStore()', 'folder', folder, aPath);
  return {
    address: folder,
    async read(name) {
      try {
        return (await readOr(join(folder, name)))?.toString() ?? null;
      } catch (error) {
        if (error instanceof Doubtful) return null;
        throw error;
      }
    },
    write: (name, text) => putInPlace(join(folder, name), text),
    create: (name, text) => createOnce(join(folder, name), text),
    trials: () => readdir(join(folder, 'trials')).catch(() => []),
    trial: (name, lease = NOBODY) => trialFolder(join(folder, 'trials', name), lease, times),
  };
}
