/** Writing a tar shard: under another name until it is whole. */
import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

import type { Pack } from 'tar-stream';

import { DataError } from '../data-error.js';

export class ShardWriter {
  /** Of the files' contents. */
  bytes = 0;
  readonly #path: string;
  readonly #partial: string;
  readonly #pack: Pack;
  readonly #file: WriteStream;
  readonly #done: Promise<void>;

  private constructor(path: string, pack: Pack) {
    this.#path = path;
    this.#partial = `${path}.${randomUUID()}.partial`;
    this.#pack = pack;
    this.#file = createWriteStream(this.#partial, { flags: 'wx' });
    this.#done = finished(pack.pipe(this.#file));
    // It is told where it is waited for.
    this.#done.catch(() => {});
  }

  static async create(path: string): Promise<ShardWriter> {
    const { pack } = await import('tar-stream');
    return new ShardWriter(path, pack());
  }

  /** @throws DataError when it cannot be written */
  async add(name: string, bytes: Uint8Array): Promise<void> {
    this.bytes += bytes.length;
    // The same archive for the same files: no time, no owner.
    const header = { name, size: bytes.length, mode: 0o644, mtime: new Date(0) };
    const added = new Promise<void>((resolve, reject) => {
      this.#pack.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    await Promise.race([added, this.#done]).catch((error: Error) => {
      throw this.#unwritable(error);
    });
  }

  /** Ends it, and gives it its name. */
  async publish(): Promise<void> {
    try {
      this.#pack.finalize();
      await this.#done;
      const file = await open(this.#partial);
      await file.sync().finally(() => file.close());
      await rename(this.#partial, this.#path);
    } catch (error) {
      throw this.#unwritable(error as Error);
    }
  }

  /** Leaves nothing of it; does nothing where it has its name. */
  async discard(): Promise<void> {
    this.#pack.destroy();
    this.#file.destroy();
    await this.#done.catch(() => {});
    await rm(this.#partial, { force: true });
  }

  #unwritable({ message }: Error): DataError {
    return new DataError(`${this.#path} cannot be written (${message}): make room, or choose another folder`);
  }
}
