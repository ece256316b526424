/**
 * What the files of a data set hold, without reading them each time: SHA-256 of contents, with sizes and times by which
 * a change is seen. `manifest.json` beside the files says it, where preparing them wrote one; what it does not say, or
 * what has changed since, is hashed, and remembered in the user's cache: a data folder is read, never written.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import envPaths from 'env-paths';

import { DataError } from './data-error.js';
import { writeWhole } from './write-whole.js';

/** A file as it was when it was hashed. */
export interface ManifestEntry {
  readonly name: string;
  readonly bytes: number;
  /** When it was last changed, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Of what it holds: the content of a gzip archive, since archives differ from mirror to mirror. */
  readonly sha256: string;
}

export const MANIFEST = 'manifest.json';

/** Where files are hashed that no manifest knows. */
const rememberedIn = (folder: string) => {
  const key = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 16);
  return join(envPaths('espalier', { suffix: '' }).cache, 'digests', `${key}.json`);
};

/**
 * The SHA-256 of the content of each file, in the order of the names.
 *
 * @param folder that holds them
 * @throws DataError when a file is missing or is no whole archive
 */
export async function contentHashes(folder: string, names: readonly string[]): Promise<string[]> {
  const [manifest, remembered] = await Promise.all(
    [join(folder, MANIFEST), rememberedIn(folder)].map(readEntries),
  );
  const known = [manifest, remembered].map((entries) => byName(entries ?? []));
  const hashed: ManifestEntry[] = [];
  const hashes: string[] = [];
  for (const name of names) {
    const { bytes, modifiedMs } = await standing(folder, name);
    const found = known
      .map((entries) => entries.get(name))
      .find((entry) => entry?.bytes === bytes && entry.modifiedMs === modifiedMs);
    if (!found) hashed.push({ name, bytes, modifiedMs, sha256: await contentHash(join(folder, name)) });
    hashes.push((found ?? (hashed.at(-1) as ManifestEntry)).sha256);
  }
  if (hashed.length > 0) {
    const news = byName(hashed);
    const others = (remembered ?? []).filter(({ name }) => !news.has(name));
    // Where it cannot be remembered, it is hashed again the next time.
    await writeEntries(rememberedIn(folder), [...others, ...hashed]).catch(() => {});
  }
  return hashes;
}

function byName(entries: readonly ManifestEntry[]): Map<string, ManifestEntry> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** Reads every file and writes the folder's `manifest.json`. */
export async function writeManifest(folder: string, names: readonly string[]): Promise<void> {
  const entries: ManifestEntry[] = [];
  for (const name of names) {
    const before = await standing(folder, name);
    entries.push({ name, ...before, sha256: await contentHash(join(folder, name)) });
  }
  await writeEntries(join(folder, MANIFEST), entries);
}

/** One digest of several. */
export function digestOf(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join('\n')).digest('hex').slice(0, 16);
}

/**
 * The SHA-256 of what a file holds; of a gzip archive, of its content.
 *
 * @throws DataError when it cannot be read, or is no whole archive
 */
export async function contentHash(path: string, isGzip = path.endsWith('.gz')): Promise<string> {
  const hash = createHash('sha256');
  const file = createReadStream(path);
  try {
    await (isGzip ? pipeline(file, createGunzip(), hash) : pipeline(file, hash));
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): fetch or prepare it again`);
  }
  return hash.digest('hex');
}

async function standing(folder: string, name: string): Promise<{ bytes: number; modifiedMs: number }> {
  const path = join(folder, name);
  const found = await stat(path).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): fetch or prepare it again`);
  });
  return { bytes: found.size, modifiedMs: found.mtimeMs };
}

/** Null where there is none, or it is damaged: then the files themselves are asked. */
async function readEntries(path: string): Promise<ManifestEntry[] | null> {
  try {
    const { files } = JSON.parse(await readFile(path, 'utf8')) as { files: ManifestEntry[] };
    const whole = files.every(
      ({ name, bytes, modifiedMs, sha256 }) =>
        typeof name === 'string' &&
        typeof bytes === 'number' &&
        typeof modifiedMs === 'number' &&
        /^[0-9a-f]{64}$/.test(sha256),
    );
    return whole ? files : null;
  } catch {
    return null;
  }
}

async function writeEntries(path: string, files: readonly ManifestEntry[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, { version: 1, files });
}
