/** Reads tar archives, gzipped or not, by `tar-stream`, which is loaded when the first one is read. */
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

import { DataError } from '../data-error.js';
import { assertTarEnds } from '../tar-end.js';
import type { SourceFile } from './source.js';

/**
 * The files of an archive, in memory: its images are small.
 *
 * @param isWanted by the path within it
 * @throws DataError when it cannot be read, or is cut
 */
export async function readArchive(path: string, isWanted: (entry: string) => boolean): Promise<SourceFile[]> {
  const { extract } = await import('tar-stream');
  const entries = extract();
  const files: SourceFile[] = [];
  const read = async () => {
    for await (const entry of entries) {
      const { name, type } = entry.header;
      const parts: Uint8Array[] = [];
      // What is not wanted is read too: the next entry comes after it.
      const isKept = (type === 'file' || type === 'contiguous-file') && isWanted(name);
      for await (const part of entry) if (isKept) parts.push(part as Uint8Array);
      const bytes = Buffer.concat(parts);
      if (isKept) files.push({ path: name.replace(/^\.\//, ''), bytes: async () => bytes });
    }
  };
  const isGzip = /gz$/i.test(path);
  const file = createReadStream(path);
  try {
    const unpacked = isGzip ? pipeline(file, createGunzip(), entries) : pipeline(file, entries);
    await Promise.all([unpacked, read()]);
    // Cut between two entries it would look whole; a gzip archive has a length and a sum at its end.
    if (!isGzip) await assertTarEnds(path);
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): fetch it again`);
  }
  return files.filter((found) => !basename(found.path).startsWith('.'));
}
