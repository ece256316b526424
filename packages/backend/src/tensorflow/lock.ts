/** One command at a time that changes the cache: what two made side by side would be whole, but made twice. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { BackendError } from '../choice.js';
import { cacheFolder, isAlive } from './cache.js';

/** @throws BackendError when another command is at work */
export async function withLock<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(cacheFolder(), { recursive: true });
  const path = join(cacheFolder(), 'lock');
  const own = `${process.pid} ${hostname()}`;
  if (!(await take(path, own))) {
    await removeOfTheDead(path);
    if (!(await take(path, own))) throw await busy(path);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A process of another machine cannot be asked. */
async function removeOfTheDead(path: string): Promise<void> {
  const [pid, host] = (await ownerOf(path)).split(' ');
  if (host === hostname() && !isAlive(Number(pid))) await rm(path, { force: true });
}

async function busy(path: string): Promise<BackendError> {
  const [pid = '', host = ''] = (await ownerOf(path)).split(' ');
  const who = pid ? ` (process ${pid} on ${host})` : '';
  return new BackendError(
    `Another espalier tensorflow command is at work${who}: wait until it has ended, or remove ${path} if there is none`,
  );
}

async function ownerOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
