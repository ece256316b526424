/** Which files a tar archive holds, and where in it they lie. Archives themselves are read and written by `tar-stream`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import { DataError } from '../data-error.js';
import { assertTarEnds } from '../tar-end.js';

export interface TarMember {
  readonly name: string;
  /** Where its content begins, in bytes from the archive's start. */
  readonly offset: number;
  readonly length: number;
  /** Of its content. */
  readonly sha256: string;
  /** The content itself, of short files alone. */
  readonly content: Uint8Array | null;
}

/** What is short enough to be a class index. */
const SHORT = 64;

/**
 * Every plain file of an archive: it is read once from end to end.
 *
 * @throws DataError when it cannot be read, is no archive, or ends too soon
 */
export async function tarMembers(path: string): Promise<TarMember[]> {
  const { extract } = await import('tar-stream');
  const archive = extract();
  const members: TarMember[] = [];
  const reading = async () => {
    for await (const entry of archive) {
      // The library tells it, its types do not.
      const { name, size, type, byteOffset } = entry.header as typeof entry.header & { byteOffset: number };
      if (type !== 'file' || size === undefined) {
        entry.resume();
        continue;
      }
      const hash = createHash('sha256');
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        if (size <= SHORT) chunks.push(chunk);
      }
      const content = size <= SHORT ? Uint8Array.from(Buffer.concat(chunks)) : null;
      members.push({ name, offset: byteOffset, length: size, sha256: hash.digest('hex'), content });
    }
  };
  try {
    await Promise.all([pipeline(createReadStream(path), archive), reading()]);
    await assertTarEnds(path);
  } catch (error) {
    throw new DataError(`${path} is no whole tar archive (${(error as Error).message}): fetch or prepare it again`); // prettier-ignore
  }
  return members;
}

/**
 * A stretch of a file.
 *
 * @throws DataError when the file cannot be read, or ends before
 */
export async function readStretch(path: string, offset: number, length: number): Promise<Uint8Array> {
  try {
    // Opened anew: a set of shards may be more files than a process can keep open.
    const file = await open(path);
    try {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new Error('it ends too soon');
        done += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): fetch or prepare it again`);
  }
}
