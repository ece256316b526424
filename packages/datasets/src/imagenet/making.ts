/** What is said of shards beside them: of what they are made, and how. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { DataError } from '../data-error.js';
import { isThere, type ListedImage } from '../image-folder/list.js';
import { MANIFEST, type ManifestEntry } from '../manifest.js';
import { PREPARING } from '../webdataset/shards.js';

export type PartName = 'train' | 'val';

/** What shards are made of, and how: those of another making are not gone on with. */
export interface Making {
  readonly version: 1;
  readonly size: number | null;
  readonly quality: number | null;
  readonly shardBytes: number;
  /** Of the names of all images. */
  readonly source: string;
}

export function namesDigest(parts: readonly (readonly ListedImage[])[]): string {
  const hash = createHash('sha256');
  for (const images of parts) hash.update(`${images.map(({ name }) => name).join('\n')}\n\n`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * Null where there is nothing, or what goes on.
 *
 * @throws DataError where shards of another making are there
 */
export async function standingManifest(to: string, making: Making) {
  const standing = await readJson(join(to, PREPARING));
  const whole = await readJson(join(to, MANIFEST));
  const found = standing ?? whole?.['making'];
  const isSame = JSON.stringify(found) === JSON.stringify(making);
  if (!found && !whole && !(await isThere(join(to, 'train-000000.tar')))) return null;
  if (!isSame) {
    throw new DataError(`${to} holds shards of other images, or made with other settings: remove them, or choose another folder`); // prettier-ignore
  }
  if (standing) return null;
  const { files, images } = whole as unknown as { files: ManifestEntry[]; images: Record<PartName, number> };
  const there = await Promise.all(files.map(({ name, bytes }) => isOfSize(join(to, name), bytes)));
  return there.every(Boolean) ? { images: images.train + images.val, shards: files.length } : null;
}

async function isOfSize(path: string, bytes: number): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size === bytes,
    () => false,
  );
}

async function readJson(path: string): Promise<Record<string, unknown> | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new DataError(`${path} is damaged: remove it and the shards beside it`);
  }
}

export function unwritable(path: string) {
  return ({ message }: Error): never => {
    throw new DataError(`${path} cannot be written (${message}): make room, or choose another folder`);
  };
}
