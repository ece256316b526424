/** Which shards there are, and what is said of them beside them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Part } from '../class-images/digest.js';
import { DataError } from '../data-error.js';
import { MANIFEST } from '../manifest.js';

/** What stands in a folder while it is prepared. */
export const PREPARING = 'preparing.json';

/** What preparing shards writes beside them, in `manifest.json`, with what `contentHashes` reads there. */
export interface ShardsManifest {
  /** The classes' names in the order of their indices. */
  readonly classes?: readonly string[];
  readonly files?: readonly { readonly name: string }[];
}

const SHARD = /^(train|val|test)-(\d+)\.tar$/;

/**
 * The names of the shards `train-000000.tar`, `val-000000.tar` and so on, by what comes before the number.
 *
 * @throws DataError where one of a row is missing, or all are still being prepared
 */
export async function listShards(folder: string): Promise<Map<string, string[]>> {
  const names = await readdir(folder).catch((error: Error) => {
    throw new DataError(`${folder} cannot be read (${error.message}): put shards there, train-000000.tar and val-000000.tar`); // prettier-ignore
  });
  if (names.includes(PREPARING)) {
    throw new DataError(`${folder} is half prepared: run \`espalier data prepare imagenet\` again, and it goes on`); // prettier-ignore
  }
  const shards = new Map<string, string[]>();
  for (const name of names.sort()) {
    const [, part] = SHARD.exec(name) ?? [];
    if (part !== undefined) shards.set(part, [...(shards.get(part) ?? []), name]);
  }
  for (const ofPart of shards.values()) assertRow(folder, ofPart);
  return shards;
}

function assertRow(folder: string, names: readonly string[]): void {
  const [, part = '', digits = ''] = SHARD.exec(names.at(-1) as string) as RegExpExecArray;
  const missing = names.findIndex((name, i) => Number(SHARD.exec(name)?.[2]) !== i);
  if (missing < 0) return;
  const wanted = `${part}-${String(missing).padStart(digits.length, '0')}.tar`;
  throw new DataError(`${join(folder, wanted)} is missing, and ${names.at(-1)} is there: fetch or prepare it again`); // prettier-ignore
}

/** The parts of a data set, by what their shards are called: `val` is what is judged by where there is no `test`. */
export function partsOf(
  folder: string,
  shards: ReadonlyMap<string, readonly string[]>,
): Record<'train' | 'test', readonly string[]> & Partial<Record<Part, readonly string[]>> {
  const [train, val, test] = ['train', 'val', 'test'].map((part) => shards.get(part));
  if (!train) throw new DataError(`${join(folder, 'train-000000.tar')} is missing: fetch or prepare the shards`); // prettier-ignore
  if (!val && !test) throw new DataError(`${join(folder, 'val-000000.tar')} is missing: fetch or prepare the shards`); // prettier-ignore
  if (val && test) return { train, validation: val, test };
  return { train, test: (test ?? val) as string[] };
}

/** @throws DataError for one that is damaged, or tells of a shard that is not there */
export async function readShardsManifest(
  folder: string,
  shards: ReadonlyMap<string, readonly string[]>,
): Promise<ShardsManifest> {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return {};
  const manifest = parsed(text);
  if (!manifest) throw new DataError(`${path} is damaged: prepare the shards again, or remove it`);
  const there = new Set([...shards.values()].flat());
  const missing = manifest.files?.find(({ name }) => SHARD.test(name) && !there.has(name));
  if (missing) throw new DataError(`${join(folder, missing.name)} is missing: fetch or prepare it again`);
  return manifest;
}

function parsed(text: string): ShardsManifest | null {
  try {
    const { classes, files } = JSON.parse(text) as ShardsManifest;
    const whole =
      (classes === undefined ||
        (Array.isArray(classes) && classes.every((name) => typeof name === 'string'))) &&
      (files === undefined ||
        (Array.isArray(files) && files.every((file) => typeof file?.name === 'string')));
    return whole ? { ...(classes && { classes }), ...(files && { files }) } : null;
  } catch {
    return null;
  }
}
