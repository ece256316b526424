import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { cutValidation } from '../splits.js';
import { byChance, byPosition, loadCriteo, type CriteoSettings } from './criteo.js';
import { frequentValues, mixed, ValueTable } from './values.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'criteo-'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  await mkdir(join(folder, 'criteo'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const put = (text: string | Uint8Array, name = 'train.txt') => writeFile(join(folder, 'criteo', name), text);
const hex = (value: number) => value.toString(16).padStart(8, '0');

/** The label is the row's parity, the first integer the row; of all fields but the first category, none is there. */
const row = (i: number, category = '') =>
  [i % 2, i, ...Array(12).fill(''), category, ...Array(25).fill('')].join('\t');
const twenty = Array.from({ length: 20 }, (_, i) =>
  row(i, i < 9 ? 'cafe0001' : i < 15 ? 'cafe0000' : hex(i)),
);

/** All rows, in the order of the file. */
async function all(settings: CriteoSettings = {}) {
  const set = await loadCriteo(folder, settings);
  const parts = await Promise.all(
    [set.train, set.test].map((part) => part.gather(Int32Array.from({ length: part.count }, (_, i) => i))),
  );
  await set.close?.();
  return { set, parts };
}

/** The rows' first category, as a token of its field, by the row. */
async function tokensOfFirstCategory(settings: CriteoSettings) {
  const { parts } = await all({ ...settings, numbers: 'logarithms' });
  const tokens: number[] = [];
  for (const { inputs } of parts) {
    const [numbers, categories] = inputs as [Float32Array, Int32Array];
    for (let i = 0; i < numbers.length / 13; i++) {
      tokens[Math.round(Math.expm1(numbers[i * 13]!))] = categories[i * 26]!;
    }
  }
  return tokens;
}

describe('loadCriteo', () => {
  it('gives the same from text and from an archive of it', async () => {
    await put(`${twenty.join('\n')}\n`);
    const text = await all();
    await rm(join(folder, 'criteo', 'train.txt'));
    // The last line need not end.
    await put(gzipSync(twenty.join('\n')), 'train.txt.gz');
    const archive = await all();
    expect(archive.parts).toEqual(text.parts);
    expect(text.set.train.count + text.set.test.count).toBe(20);
  });

  it('numbers a vocabulary by count, then by value; what is rare shares a token', async () => {
    await put(twenty.join('\n'));
    const tokens = await tokensOfFirstCategory({ categories: { minimumCount: 6 } });
    expect(tokens).toEqual([...Array(9).fill(2), ...Array(6).fill(3), ...Array(5).fill(1)]);
    const ofAll = await tokensOfFirstCategory({ categories: { minimumCount: 1 } });
    expect(ofAll.slice(14)).toEqual([3, 4, 5, 6, 7, 8]);
  });

  it('hashes categories into buckets, and keeps those apart that are missing', async () => {
    await put([...twenty, row(20)].join('\n'));
    const tokens = await tokensOfFirstCategory({ categories: { buckets: 7 } });
    expect(tokens[20]).toBe(0);
    expect(tokens[0]).toBe(1 + (mixed(0xcafe0001) % 7));
    expect(tokens[19]).toBe(1 + (mixed(19) % 7));
    expect(Math.max(...tokens)).toBeLessThanOrEqual(7);
  });

  it("puts a field's tokens behind those of the fields before it", async () => {
    await put(twenty.join('\n'));
    const { set, parts } = await all({ categories: { minimumCount: 6 } });
    // Missing, rare and two categories in the first; of the others nothing is there.
    expect(set.fieldSizes).toEqual([...Array(13).fill(468), 4, ...Array(25).fill(2)]);
    expect(set.train.inputs).toEqual([{ shape: [39], type: 'int32' }]);
    const tokens = [...parts[0]!.inputs[0]!.subarray(0, 39)];
    const offsets = set.fieldSizes.map((_, i) => set.fieldSizes.slice(0, i).reduce((a, b) => a + b, 0));
    expect(tokens.slice(1, 13)).toEqual(offsets.slice(1, 13));
    expect(tokens.slice(14)).toEqual(offsets.slice(14));
    expect(tokens[13]).toBe(13 * 468 + 2);
  });

  it('splits by chance into nine tenths and one, the same for one seed, each row once', async () => {
    await put(twenty.join('\n'));
    const { set, parts } = await all();
    expect([set.train.count, set.test.count]).toEqual([18, 2]);
    expect(parts.flatMap(({ targets }) => [...targets]).reduce((a, b) => a + b)).toBe(10);
    expect((await all()).parts).toEqual(parts);
    const { train, test } = byChance(1000, 3);
    expect([...train, ...test].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(byChance(1000, 4).test).not.toEqual(test);
  });

  it('by position the last seventh is the test, of the whole file alone', async () => {
    const { train, test } = byPosition(70_000_007, 'train.txt');
    expect([train.length, test.length, test[0]]).toEqual([60_000_006, 10_000_001, 60_000_006]);
    await put(twenty.join('\n'));
    await expect(loadCriteo(folder, { split: 'position' })).rejects.toThrow(
      /train.txt has 20 rows here.*at least 40000000.*choose the random split/,
    );
  });

  it('takes the first rows, where so many are asked for', async () => {
    await put(`${twenty.join('\n')}\nnothing that is read`);
    expect((await all({ rows: 20 })).parts[0]!.targets).toHaveLength(18);
    await put(twenty.slice(0, 10).join('\n'));
    expect((await all({ rows: 20 })).set.train.count).toBe(9);
  });

  it('has a digest of content and settings, and a validation split', async () => {
    await put(twenty.join('\n'));
    const digest = async (settings?: CriteoSettings) => (await all(settings)).set.digest?.();
    const digests = await Promise.all([
      ...[digest(), digest({ seed: 1 }), digest({ categories: { buckets: 9 } }), digest({ rows: 15 })],
      digest({ numbers: 'logarithms' }),
    ]);
    expect(new Set(digests).size).toBe(5);
    expect(await digest()).toBe(digests[0]);
    const { set } = await all();
    expect(cutValidation(set).validation?.count).toBe(2);
    await put(twenty.slice(1).join('\n'));
    expect(await digest()).not.toBe(digests[0]);
  });

  it.each([
    ['', /train.txt has no rows/],
    [[...twenty, 'what?'].join('\n'), /train.txt, row 21: it has 1 fields/],
    [[row(0), '', row(1)].join('\n'), /row 2: it has 1 fields/],
    [[row(0), row(1).replace('1', '3'), row(2)].join('\n'), /row 2: its label is '3'/],
    [twenty.slice(0, 3).join('\n'), /3 rows are too few/],
    ['x'.repeat(3 << 20), /row 1: it has no end/],
  ])('refuses a file that is none, in one line, and leaves nothing half-written', async (text, why) => {
    await put(text);
    const refusal = await loadCriteo(folder).catch((error: Error) => error);
    expect(refusal).toMatchObject({ name: 'DataError', message: expect.stringMatching(why) });
    expect((refusal as Error).message).not.toContain('\n');
    const root = join(folder, 'cache', 'espalier', 'prepared');
    const left = existsSync(root) ? await readdir(root) : [];
    expect(left.filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('refuses an archive that is not whole, and a file that is not there', async () => {
    await expect(loadCriteo(folder)).rejects.toThrow(/train.txt is missing, and so is train.txt.gz/);
    const lines = Array.from({ length: 20_000 }, (_, i) => row(i, hex(mixed(i))));
    const archive = gzipSync(lines.join('\n'));
    await put(archive.subarray(0, archive.length / 2), 'train.txt.gz');
    await expect(loadCriteo(folder)).rejects.toThrow(
      /train.txt.gz cannot be read \(unexpected end of file\)/,
    );
  });

  it.each<[object, RegExp]>([
    [{ categories: { buckets: 0 } }, /buckets = 0, and is to be a whole number from 1 to 10000000/],
    [{ categories: { buckets: 2, minimumCount: 2 } }, /one of them/],
    [{ categories: {} }, /one of them/],
    [{ numbers: 'raw' }, /numbers = 'raw'/],
    [{ rows: 1 }, /rows = 1/],
    [{ split: 'day' }, /split = 'day'/],
    [{ seed: -1 }, /seed = -1/],
    [{ bucket: 3 }, /has no 'bucket'/],
  ])('refuses the settings %j', async (settings, why) => {
    await expect(loadCriteo(folder, settings as CriteoSettings)).rejects.toThrow(why);
  });
});

describe('mixed', () => {
  it("is Murmur3's hash of no bytes, whose seed is the value: published test vectors", () => {
    expect([0, 1, 0xffffffff].map(mixed)).toEqual([0, 0x514e28b7, 0x81f16f39]);
  });
});

describe('ValueTable', () => {
  it('counts as a Map does, through its growing', () => {
    const table = new ValueTable();
    const map = new Map<number, number>();
    for (let i = 0; i < 20_000; i++) {
      const value = (mixed(i % 7000) & 0xffff0fff) >>> 0;
      table.increment(value);
      map.set(value, (map.get(value) ?? 0) + 1);
    }
    const seen = new Map<number, number>();
    table.forEach((value, count) => seen.set(value, count));
    expect(seen).toEqual(map);
    expect(table.size).toBe(map.size);
    const expected = [...map].filter(([, count]) => count >= 3).sort(([a, m], [b, n]) => n - m || a - b);
    expect([...frequentValues(table, 3)]).toEqual(expected.map(([value]) => value));
  });
});

const beside = fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const sample = [process.env['ESPALIER_DATA'], beside].find(
  (data) => data !== undefined && existsSync(join(data, 'criteo', 'train.txt')),
);

describe.skipIf(!sample)('the 1,999 rows of a sample, where they are there', () => {
  /**
   *     awk -F'\t' '{ c += $1; for (i = 15; i <= 40; i++) if ($i == "") m++
   *       for (i = 2; i <= 14; i++) if ($i != "") l += $i >= 0 ? log(1 + $i) : -log(1 - $i) }
   *       END { print c, m, l, NR }' train.txt
   */
  const counted = { clicks: 418, missing: 6138, logarithms: 49605.618, rows: 1999 };

  it('have the clicks, the missing values and the logarithms that awk sums up', async () => {
    const set = await loadCriteo(sample as string, { numbers: 'logarithms' });
    const starts = set.fieldSizes.map((_, i) => set.fieldSizes.slice(0, i).reduce((a, b) => a + b, 0));
    const seen = { clicks: 0, missing: 0, logarithms: 0, rows: set.train.count + set.test.count };
    for (const part of [set.train, set.test]) {
      const { inputs, targets } = await part.gather(Int32Array.from({ length: part.count }, (_, i) => i));
      targets.forEach((label) => (seen.clicks += label));
      inputs[0]!.forEach((value) => (seen.logarithms += value));
      inputs[1]!.forEach((token, i) => (seen.missing += Number(token === starts[i % 26])));
    }
    await set.close?.();
    expect({ ...seen, logarithms: Math.round(seen.logarithms) }).toEqual({ ...counted, logarithms: 49606 });
  });
});
