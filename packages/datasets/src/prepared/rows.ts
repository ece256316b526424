/**
 * A file of rows of one size, which are read at random: what a data set is prepared into once, to be read often without
 * being held in memory. For Node.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

import { assertArgument, isWhole } from '../arguments.js';
import { DataError } from '../data-error.js';

export interface RowFile {
  readonly count: number;
  readonly rowBytes: number;
  /**
   * The rows at these indices, one after another. Read at once, not in turns: from the system's cache, where data that
   * is trained on soon lies, it takes a microsecond or two a row.
   *
   * @throws DataError when the file can no longer be read
   */
  read(indices: ArrayLike<number>): Uint8Array;
  close(): void;
}

/**
 * @param path of a file that a `RowWriter` wrote
 * @throws DataError when it is not there, or is not of whole rows
 */
export async function openRows(path: string, rowBytes: number): Promise<RowFile> {
  assertArgument(isWhole(rowBytes, 1), 'openRows(): rowBytes', rowBytes, 'a whole number of at least 1');
  const { size } = await stat(path).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): prepare the data again`);
  });
  if (size % rowBytes !== 0) {
    throw new DataError(
      `${path} has ${size} bytes, no whole number of rows of ${rowBytes}: prepare the data again`,
    );
  }
  const file = openSync(path, 'r');
  const readRows = (into: Uint8Array, first: number) => {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(file, into, done, into.length - done, first * rowBytes + done);
      if (bytes === 0) throw new Error('it ends too soon');
      done += bytes;
    }
  };
  return {
    count: size / rowBytes,
    rowBytes,
    read(indices) {
      const rows = new Uint8Array(indices.length * rowBytes);
      try {
        for (let i = 0, end = 0; i < indices.length; i = end) {
          const first = indices[i] as number;
          // What lies side by side is read together.
          for (end = i + 1; end < indices.length && indices[end] === first + end - i;) end += 1;
          readRows(rows.subarray(i * rowBytes, end * rowBytes), first);
        }
      } catch (error) {
        throw new DataError(`${path} cannot be read (${(error as Error).message}): prepare the data again`);
      }
      return rows;
    },
    close: () => closeSync(file),
  };
}

/** Writes are gathered until there are so many bytes. */
const BUFFER_BYTES = 1 << 20;

/** Writes rows one after another into a new file. */
export class RowWriter {
  /** Rows written. */
  count = 0;
  readonly #file: FileHandle;
  readonly #rowBytes: number;
  readonly #buffer: Uint8Array;
  #filled = 0;

  private constructor(file: FileHandle, rowBytes: number) {
    this.#file = file;
    this.#rowBytes = rowBytes;
    this.#buffer = new Uint8Array(Math.max(rowBytes, BUFFER_BYTES - (BUFFER_BYTES % rowBytes)));
  }

  static async create(path: string, rowBytes: number): Promise<RowWriter> {
    return new RowWriter(await open(path, 'wx'), rowBytes);
  }

  /** @param row of `rowBytes`; copied */
  async write(row: Uint8Array): Promise<void> {
    assertArgument(row.length === this.#rowBytes, 'RowWriter.write(): row', row, `${this.#rowBytes} bytes`);
    if (this.#filled + row.length > this.#buffer.length) await this.#flush();
    this.#buffer.set(row, this.#filled);
    this.#filled += row.length;
    this.count += 1;
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    for (let done = 0; done < this.#filled;) {
      done += (await this.#file.write(this.#buffer, done, this.#filled - done)).bytesWritten;
    }
    this.#filled = 0;
  }
}
