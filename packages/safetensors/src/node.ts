/** Files of safetensors, for Node. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { describeValue } from '@espalier/core';

import type { SafeTensor } from './dtypes.js';
import { contentsOf, headerEnd, LENGTH_BYTES, tensorOf, type SafeTensors } from './read.js';
import { writeSafetensors } from './write.js';

/**
 * Reads a file; or, of `model.safetensors.index.json`, all the files beside it that it names, in which larger checkpoints
 * lie. Files may be of any size: a tensor at a time is read.
 *
 * @throws TypeError for what is no path; Error where there is no such file; RangeError, with the file's name, for what
 *   `readSafetensors` refuses, for an index that names files elsewhere, or tensors that are not where it says
 */
export async function readSafetensorsFile(path: string): Promise<SafeTensors> {
  if (typeof path !== 'string') {
    throw new TypeError(`readSafetensorsFile() takes a path, it is given ${describeValue(path)}`);
  }
  if (!path.endsWith('.json')) return readTensors(path);
  const bytes = await readFile(path);
  const places = await named(path, () => placesOf(bytes));
  const tensors = new Map<string, SafeTensor>();
  const metadata = {};
  for (const file of new Set(places.values())) {
    const shard = await readSafetensorsFile(join(dirname(path), file));
    for (const [name, tensor] of shard.tensors) {
      if (places.get(name) !== file) {
        throw new RangeError(
          `${path}: ${file} has ${describeValue(name)}, which the index does not place there`,
        );
      }
      tensors.set(name, tensor);
    }
    Object.assign(metadata, shard.metadata);
  }
  const missing = [...places.keys()].find((name) => !tensors.has(name));
  if (missing === undefined) return { tensors, metadata };
  throw new RangeError(
    `${path}: ${describeValue(missing)} is said to be in ${places.get(missing)}, and is not there`,
  );
}

/** Of one read, in bytes: what Node reads at once ends at 2 GiB. */
const LONGEST_READ = 2 ** 30;

async function readTensors(path: string): Promise<SafeTensors> {
  const file = await open(path);
  try {
    return await named(path, async () => {
      const found = await file.stat();
      if (!found.isFile()) throw new RangeError('is no file');
      const { size } = found;
      const begin = headerEnd(await bytesOf(file, 0, Math.min(LENGTH_BYTES, size)), size);
      const header = await bytesOf(file, LENGTH_BYTES, begin);
      const { entries, metadata } = contentsOf(header, size - begin);
      const tensors = new Map<string, SafeTensor>();
      for (const entry of entries) {
        const bytes = await bytesOf(file, begin + entry.begin, begin + entry.end);
        tensors.set(...tensorOf(entry, bytes));
      }
      return { tensors, metadata };
    });
  } finally {
    await file.close();
  }
}

async function bytesOf(file: FileHandle, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.length;) {
    const length = Math.min(LONGEST_READ, bytes.length - at);
    const { bytesRead } = await file.read(bytes, at, length, begin + at);
    if (bytesRead === 0) throw new RangeError(`was cut to ${begin + at} bytes while it was read`);
    at += bytesRead;
  }
  return bytes;
}

/** The file of each tensor. */
function placesOf(json: Uint8Array): Map<string, string> {
  const index = parsed(json) as { weight_map?: Record<string, unknown> } | null;
  const places = Object.entries(index?.weight_map ?? {});
  if (places.length === 0) throw new RangeError('has no weight_map: it is no index of safetensors');
  for (const [name, file] of places) {
    if (typeof file === 'string' && file.endsWith('.safetensors') && basename(file) === file) continue;
    throw new RangeError(
      `has ${describeValue(name)} in ${describeValue(file)}, which is no safetensors file beside it`,
    );
  }
  return new Map(places as [string, string][]);
}

function parsed(json: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(json));
  } catch (error) {
    throw new RangeError(`is no JSON (${(error as Error).message})`, { cause: error });
  }
}

async function named<T>(path: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${path}: ${error.message}`, { cause: error });
  }
}

/**
 * Writes a file, at once or not at all.
 *
 * @throws what `writeSafetensors` throws; Error where the file cannot be written
 */
export async function writeSafetensorsFile(
  path: string,
  ...[tensors, metadata]: Parameters<typeof writeSafetensors>
): Promise<void> {
  if (typeof path !== 'string') {
    throw new TypeError(`writeSafetensorsFile() takes a path, it is given ${describeValue(path)}`);
  }
  const bytes = writeSafetensors(tensors, metadata);
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    const file = await open(partial, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}
