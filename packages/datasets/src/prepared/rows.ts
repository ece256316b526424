/**
 * A file of rows of one size, which are read at random: what a data set is prepared into once, to be read often without
 * being held in memory. For Node.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { assertArgument, isWhole } from '../arguments.js';
import { DataError } from '../data-error.js';

export interface RowFile {
  readonly count: number;
  readonly rowBytes: number;
  /**
   * The rows at these indices, one after another; an index may come twice. Read at once, not in turns: from the system's cache, where data that
   * is trained on soon lies, it takes a microsecond or two a row.
   *
   * @throws RangeError for an index of no row
   * @throws DataError when the file can no longer be read, or was closed
   */
  read(indices: ArrayLike<number>): Uint8Array;
  /** Once closed, it stays closed. */
  close(): void;
}

/**
 * @param path of a file that a `RowWriter` wrote
 * @throws DataError when it is not there, or is not of whole rows
 */
export async function openRows(path: string, rowBytes: number): Promise<RowFile> {
  assertArgument(isWhole(rowBytes, 1), 'openRows(): rowBytes', rowBytes, 'a whole number of at least 1');
  const found = await stat(path).catch((error: Error) => {
    throw unreadable(path, error);
  });
  if (!found.isFile()) throw unreadable(path, new Error('it is no file'));
  const { size } = found;
  if (size % rowBytes !== 0) {
    throw new DataError(`${path} has ${size} bytes, no whole number of rows of ${rowBytes}: ${wayOut(path)}`);
  }
  const count = size / rowBytes;
  const file = opened(path);
  // The system gives a closed file's number to another one.
  let isOpen = true;
  const readRows = (into: Uint8Array, first: number) => {
    for (let done = 0; done < into.length;) {
      const bytes = readSync(file, into, done, into.length - done, first * rowBytes + done);
      if (bytes === 0) throw new Error('it ends too soon');
      done += bytes;
    }
  };
  return {
    count,
    rowBytes,
    read(indices) {
      if (!isOpen) throw new DataError(`${path} was closed: load the data again`);
      for (let i = 0; i < indices.length; i++) assertIndex(indices[i] as number, count);
      const rows = new Uint8Array(indices.length * rowBytes);
      try {
        for (let i = 0, end = 0; i < indices.length; i = end) {
          const first = indices[i] as number;
          // What lies side by side is read together.
          for (end = i + 1; end < indices.length && indices[end] === first + end - i;) end += 1;
          readRows(rows.subarray(i * rowBytes, end * rowBytes), first);
        }
      } catch (error) {
        throw unreadable(path, error as Error);
      }
      return rows;
    },
    close() {
      if (isOpen) closeSync(file);
      isOpen = false;
    },
  };
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error as Error);
  }
}

function assertIndex(index: number, count: number): void {
  const isRow = isWhole(index, 0) && index < count;
  assertArgument(isRow, 'RowFile.read(): an index', index, `a whole number from 0 to ${count - 1}`);
}

const wayOut = (path: string) => `remove ${dirname(path)}, and it is prepared again`;

const unreadable = (path: string, { message }: Error) =>
  new DataError(`${path} cannot be read (${message}): ${wayOut(path)}`);

const unwritable = (path: string, { message }: Error) =>
  new DataError(
    `${path} cannot be written (${message}): make room there, or point $XDG_CACHE_HOME elsewhere`,
  );

/** Writes are gathered until there are so many bytes. */
const BUFFER_BYTES = 1 << 20;

/** Writes rows one after another into a new file. */
export class RowWriter {
  /** Rows written. */
  count = 0;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #rowBytes: number;
  readonly #buffer: Uint8Array;
  #filled = 0;

  private constructor(path: string, file: FileHandle, rowBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#rowBytes = rowBytes;
    this.#buffer = new Uint8Array(Math.max(rowBytes, BUFFER_BYTES - (BUFFER_BYTES % rowBytes)));
  }

  /** @throws DataError where there is such a file, or it cannot be written */
  static async create(path: string, rowBytes: number): Promise<RowWriter> {
    const of = 'RowWriter.create()';
    assertArgument(isWhole(rowBytes, 1), `${of}: rowBytes`, rowBytes, 'a whole number of at least 1');
    const file = await open(path, 'wx').catch((error: Error) => {
      throw unwritable(path, error);
    });
    return new RowWriter(path, file, rowBytes);
  }

  /**
   * @param row of `rowBytes`; copied
   * @throws DataError when it cannot be written
   */
  async write(row: Uint8Array): Promise<void> {
    assertArgument(row.length === this.#rowBytes, 'RowWriter.write(): row', row, `${this.#rowBytes} bytes`);
    if (this.#filled + row.length > this.#buffer.length) await this.#flush();
    this.#buffer.set(row, this.#filled);
    this.#filled += row.length;
    this.count += 1;
  }

  /** @throws DataError when what was left cannot be written */
  async close(): Promise<void> {
    try {
      await this.#flush();
      // On the disk before it gets its name: a machine that loses power leaves whole rows, or none.
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    for (let done = 0; done < this.#filled;) {
      const writing = this.#file.write(this.#buffer, done, this.#filled - done);
      const { bytesWritten } = await writing.catch((error: Error) => {
        throw unwritable(this.#path, error);
      });
      done += bytesWritten;
    }
    this.#filled = 0;
  }
}
