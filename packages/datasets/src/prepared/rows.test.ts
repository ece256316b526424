import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { DataError } from '../data-error.js';
import { openRows, RowWriter } from './rows.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-rows-'));
  path = join(folder, 'some.rows');
});
afterEach(() => rm(folder, { recursive: true }));

/** Row `i` is `[i, 2i, 3i]`. */
const tenRows = () => Uint8Array.from({ length: 30 }, (_, i) => Math.floor(i / 3) * ((i % 3) + 1));

describe('a file of rows', () => {
  it('is read at random, side by side, backwards and twice', async () => {
    await writeFile(path, tenRows());
    const rows = await openRows(path, 3);
    expect([rows.count, rows.rowBytes]).toEqual([10, 3]);
    expect([...rows.read([7, 2, 9])]).toEqual([7, 14, 21, 2, 4, 6, 9, 18, 27]);
    expect([...rows.read([3, 4, 5])]).toEqual([3, 6, 9, 4, 8, 12, 5, 10, 15]);
    expect([...rows.read([5, 4])]).toEqual([5, 10, 15, 4, 8, 12]);
    expect([...rows.read(Int32Array.of(1, 1))]).toEqual([1, 2, 3, 1, 2, 3]);
    expect([...rows.read([])]).toEqual([]);
    rows.close();
  });

  it('refuses an index of no row', async () => {
    await writeFile(path, tenRows());
    const rows = await openRows(path, 3);
    for (const index of [10, -1, 0.5, NaN]) {
      expect(() => rows.read([0, index])).toThrow(
        `RowFile.read(): an index = ${index}, and is to be a whole number from 0 to 9`,
      );
    }
    rows.close();
  });

  it('that is not there, or not of whole rows, is not opened', async () => {
    await expect(openRows(path, 3)).rejects.toThrow(/some\.rows cannot be read \(ENOENT.*\): remove .*, and/);
    await expect(openRows(folder, 1)).rejects.toThrow(DataError);
    await writeFile(path, tenRows().subarray(0, 29));
    await expect(openRows(path, 3)).rejects.toThrow(
      `${path} has 29 bytes, no whole number of rows of 3: remove ${folder}, and it is prepared again`,
    );
  });

  it('that was cut while it was open gives no row that is half', async () => {
    await writeFile(path, tenRows());
    const rows = await openRows(path, 3);
    await truncate(path, 10);
    expect([...rows.read([2])]).toEqual([2, 4, 6]);
    expect(() => rows.read([0, 3])).toThrow(`${path} cannot be read (it ends too soon): remove ${folder}`);
    rows.close();
  });

  it('that was closed reads nothing, whatever has its number since', async () => {
    await writeFile(path, tenRows());
    const rows = await openRows(path, 3);
    rows.close();
    rows.close();
    const another = await openRows(path, 3);
    rows.close();
    expect(() => rows.read([0])).toThrow(`${path} was closed`);
    expect([...another.read([1])]).toEqual([1, 2, 3]);
    another.close();
  });
});

describe('a writer of rows', () => {
  it('writes what it is given, more than it gathers too', async () => {
    const rowBytes = 300_000;
    const writer = await RowWriter.create(path, rowBytes);
    const row = new Uint8Array(rowBytes);
    for (let i = 0; i < 8; i++) await writer.write(row.fill(i));
    await writer.close();
    expect(writer.count).toBe(8);
    const written = await readFile(path);
    expect(written.length).toBe(8 * rowBytes);
    for (let i = 0; i < 8; i++) {
      expect(written.subarray(i * rowBytes, (i + 1) * rowBytes).every((byte) => byte === i)).toBe(true);
    }
  });

  it('writes over nothing, and no row of another size', async () => {
    const writer = await RowWriter.create(path, 3);
    await expect(writer.write(new Uint8Array(2))).rejects.toThrow('RowWriter.write(): row');
    await writer.close();
    await expect(RowWriter.create(path, 3)).rejects.toThrow(/some\.rows cannot be written \(EEXIST/);
  });
});
