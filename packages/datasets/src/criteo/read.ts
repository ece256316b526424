/** Goes through the competition's file, in Node, in memory of one size whatever the file's. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { DataError } from '../data-error.js';
import { emptyLine, parseLine, type Line } from './parse.js';

/** Bytes that are read at a time. */
const CHUNK = 1 << 20;

const NEWLINE = '\n'.charCodeAt(0);

export interface Reading {
  /** Rows to go through; all that there are when absent. */
  readonly rows?: number;
  /** Is told how many bytes of the file have been read, and how many it has. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * @param path of a text file, or of a gzip archive of one, by its ending
 * @param visit is given the rows in their order, in one object that the next one overwrites
 * @param afterChunk is waited for each time that so much has been visited as was read at once
 * @returns how many rows there were
 * @throws DataError for the first row that is none, an empty file, an archive that is not whole
 */
export async function readCriteo(
  path: string,
  visit: (line: Line) => void,
  afterChunk: () => Promise<void> = async () => {},
  { rows = Infinity, onProgress }: Reading = {},
): Promise<number> {
  const { size } = await stat(path).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): check its permissions`);
  });
  const file = createReadStream(path, { highWaterMark: CHUNK });
  const line = emptyLine();
  let count = 0;
  const visitLine = (bytes: Uint8Array, start: number, end: number) => {
    const fault = parseLine(bytes, start, end, line);
    if (fault !== null) throw new DataError(`${path}, row ${count + 1}: ${fault}`);
    visit(line);
    count += 1;
  };
  /** The part of a line that the next chunk goes on with. */
  let rest = new Uint8Array();
  for await (const chunk of chunksOf(path, file)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0 && count < rows; end = bytes.indexOf(NEWLINE, start)) {
      visitLine(bytes, start, end);
      start = end + 1;
    }
    await afterChunk();
    onProgress?.(file.bytesRead, size);
    if (count >= rows) break;
    rest = Uint8Array.from(bytes.subarray(start));
    if (rest.length > CHUNK) throw new DataError(`${path}, row ${count + 1}: it has no end: is this a text file?`); // prettier-ignore
  }
  if (rest.length > 0 && count < rows) visitLine(rest, 0, rest.length);
  await afterChunk();
  if (count === 0) throw new DataError(`${path} has no rows: download it again`);
  return count;
}

async function* chunksOf(path: string, file: Readable): AsyncGenerator<Uint8Array, void> {
  // What goes wrong, or stops early, ends both.
  const chunks = path.endsWith('.gz') ? pipeline(file, createGunzip({ chunkSize: CHUNK }), () => {}) : file;
  try {
    yield* chunks as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): download it again`);
  }
}
