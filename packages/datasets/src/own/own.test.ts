import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DataError } from '../data-error.js';
import type { Batch, DataSet, Examples } from '../examples.js';
import { fromArrays, type ArraysSettings } from './from-arrays.js';
import type { CsvSettings } from './csv-table.js';
import { csvColumns, fromCsvText } from './from-csv-text.js';
import { fromCsv } from './from-csv.js';
import { fromGenerator } from './from-generator.js';
import { fromPixels } from './from-pixels.js';

const all = async (examples: Examples): Promise<Batch> =>
  examples.gather(Int32Array.from({ length: examples.count }, (_, i) => i));
/** [input, target] of each example of both parts, sorted. */
async function pairs({ train, test }: DataSet): Promise<number[][]> {
  const parts = await Promise.all([train, test].map(all));
  return parts
    .flatMap(({ inputs, targets }) => [...targets].map((target, i) => [inputs[0]![i]!, target]))
    .sort((a, b) => a[0]! - b[0]!);
}

const rows = [[0], [1], [2], [3], [4], [5], [6], [7], [8], [9]];
const squares = rows.map(([x]) => x! * x!);

describe('fromArrays', () => {
  it('splits by lot, by the seed, each example in one part', async () => {
    const set = fromArrays({ inputs: rows, targets: squares });
    expect([set.train.count, set.test.count]).toEqual([8, 2]);
    expect(set.train.inputs).toEqual([{ shape: [1], type: 'float32' }]);
    expect(set.train.target).toEqual({ shape: [1], type: 'float32' });
    expect(await pairs(set)).toEqual(rows.map(([x], i) => [x!, squares[i]!]));
    const again = fromArrays({ inputs: rows, targets: squares });
    const other = fromArrays({ inputs: rows, targets: squares, seed: 1 });
    expect(await all(again.test)).toEqual(await all(set.test));
    expect(await all(other.test)).not.toEqual(await all(set.test));
    expect(again.digest?.()).toBe(set.digest?.());
    expect(other.digest?.()).not.toBe(set.digest?.());
    const changed = fromArrays({ inputs: [[0.5], ...rows.slice(1)], targets: squares });
    expect(changed.digest?.()).not.toBe(set.digest?.());
  });

  it('makes classes of names, in the order of the alphabet, and of whole numbers', async () => {
    const test = { inputs: [[3]], labels: ['cat'] };
    const named = fromArrays({ inputs: [[0], [1], [2]], labels: ['dog', 'cat', 'dog'], test });
    expect(named.classes).toEqual(['cat', 'dog']);
    expect((await all(named.train)).targets).toEqual(Int32Array.of(1, 0, 1));
    expect((await all(named.test)).targets).toEqual(Int32Array.of(0));
    const numbered = fromArrays({ inputs: rows, labels: [2, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
    expect(numbered.classes).toEqual(['0', '1', '2']);
    expect(numbered.train.target).toEqual({ shape: [], type: 'int32' });
  });

  it('is known by its weights, too', () => {
    const of = (weight: number) =>
      fromArrays({ inputs: rows, targets: squares, weights: rows.map(() => weight) }).digest?.();
    expect(of(1)).toBe(of(1));
    expect(of(1)).not.toBe(of(2));
    expect(of(1)).not.toBe(fromArrays({ inputs: rows, targets: squares }).digest?.());
  });

  it('takes several inputs of any shape, whole numbers among them, and weights', async () => {
    const image = {
      values: Float32Array.from({ length: 8 }, (_, i) => i),
      shape: [2, 2],
      type: 'float32' as const,
    };
    const token = { values: Int32Array.of(7, 8), shape: [], type: 'int32' as const };
    const given = { inputs: [image, token], labels: [0, 1], weights: [1, 0.5] };
    const { train } = fromArrays({ ...given, test: given });
    expect(await train.gather([1])).toEqual({
      inputs: [Float32Array.of(4, 5, 6, 7), Int32Array.of(8)],
      targets: Int32Array.of(1),
      weights: Float32Array.of(0.5),
    });
  });

  const refused: [string, ArraysSettings, RegExp][] = [
    [
      'rows of different lengths',
      { inputs: [[1], [1, 2]], targets: [1, 2] },
      /inputs\[1\] has 2 numbers, the first has 1/,
    ],
    ['a number that is none', { inputs: [[1], [NaN]], targets: [1, 2] }, /inputs\[1\]\[0\] = NaN/],
    ['a target that is infinite', { inputs: [[1], [2]], targets: [1, Infinity] }, /targets\[1\] = Infinity/],
    ['a label that is not whole', { inputs: [[1], [2]], labels: [0, 0.5] }, /labels\[1\] = 0\.5/],
    ['a label beyond all classes', { inputs: [[1], [2]], labels: [0, 5e8] }, /labels\[1\] = 500000000/],
    ['a label below 0', { inputs: [[1], [2]], labels: [0, -1] }, /labels\[1\] = -1/],
    [
      'other numbers of inputs and labels',
      { inputs: [[1], [2]], labels: [0] },
      /inputs are of 2 examples, what is to be learned of 1/,
    ],
    ['too few weights', { inputs: [[1], [2]], labels: [0, 1], weights: [1] }, /1 weights for 2 examples/],
    ['nothing to learn', { inputs: rows }, /either labels.*neither/],
    ['two things to learn', { inputs: rows, labels: squares, targets: squares }, /either labels.*both/],
    ['no examples', { inputs: [], targets: [] }, /one at least/],
    [
      'a share that leaves none',
      { inputs: [[1], [2]], targets: [1, 2], testShare: 0.01 },
      /leaves none on one side/,
    ],
    ['a share of all', { inputs: rows, targets: squares, testShare: 1 }, /testShare = 1/],
    [
      'a class of the test that training has not',
      { inputs: rows, labels: rows.map(() => 'a'), test: { inputs: [[1]], labels: ['b'] } },
      /test: labels\[0\] = b, and is to be one of the classes a/,
    ],
    [
      'a setting that there is not',
      { inputs: rows, label: squares } as unknown as ArraysSettings,
      /has no 'label'/,
    ],
    [
      'a column of another type than it says',
      { inputs: { values: Int32Array.of(1), shape: [], type: 'float32' }, labels: [0] },
      /inputs: values .* a Float32Array/,
    ],
  ];
  it.each(refused)('refuses %s in one line', (_, settings, message) => {
    expect(() => fromArrays(settings)).toThrow(message);
    expect(() => fromArrays(settings)).toThrow(/^fromArrays\(\)[^\n]+$/);
  });
});

describe('fromGenerator', () => {
  it('gathers all that it makes', async () => {
    async function* examples() {
      for (const [x] of rows) yield { input: [x!], target: x! * x! };
    }
    expect(await pairs(await fromGenerator(examples))).toEqual(rows.map(([x], i) => [x!, squares[i]!]));
  });

  it.each<[string, () => Generator<{ input: number[]; label?: number }>, RegExp]>([
    ['none', function* () {}, /made no example/],
    [
      'one of another size',
      function* () {
        yield { input: [1], label: 0 };
        yield { input: [1, 2], label: 0 };
      },
      /the input of example 1 has 2 numbers, where \[1\] makes 1/,
    ],
    [
      'one without a label',
      function* () {
        yield { input: [1], label: 0 };
        yield { input: [1] };
      },
      /example 1 has no label/,
    ],
  ])('refuses %s', async (_, generate, message) => {
    await expect(fromGenerator(generate)).rejects.toThrow(message);
  });
});

describe('fromPixels', () => {
  const shape = [2, 1, 2] as const;
  // The second channel is 77 everywhere.
  const pixels = Uint8Array.from({ length: 10 * 4 }, (_, i) => (i % 2 ? 77 : (i * i) % 251));
  const labels = Array.from({ length: 10 }, (_, i) => (i % 2 ? 'odd' : 'even'));

  it('normalises each channel by the training images', async () => {
    const set = fromPixels({ pixels, shape, labels });
    expect(set.train.inputs).toEqual([{ shape: [2, 1, 2], type: 'float32' }]);
    expect([set.train.count, set.test.count, set.classes]).toEqual([8, 2, ['even', 'odd']]);
    const [values] = (await all(set.train)).inputs as [Float32Array];
    const first = values.filter((_, i) => i % 2 === 0);
    expect(first.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 4);
    expect(first.reduce((a, b) => a + b * b, 0) / first.length).toBeCloseTo(1, 5);
    expect(Math.max(...values.filter((_, i) => i % 2 === 1).map(Math.abs))).toBeLessThan(1e-6);
  });

  it('makes 0 of a channel that is constant in training, in the test images as well', async () => {
    const numbered = fromPixels({ pixels, shape, labels: Array.from(labels.keys()) });
    const inTest = [...(await all(numbered.test)).targets];
    const varied = pixels.map((value, i) => (i % 2 && inTest.includes(i >> 2) ? i : value));
    const { train, test } = fromPixels({ pixels: varied, shape, labels });
    for (const part of [train, test]) {
      const [values] = (await all(part)).inputs as [Float32Array];
      expect(values.filter((value, i) => i % 2 === 1 && value !== 0)).toHaveLength(0);
    }
  });

  it('sees a pixel that differs by one level among many', async () => {
    const many = Uint8Array.from({ length: 4 * 40_000 }, (_, i) => (i % 40_000 ? 200 : 201));
    const { train } = fromPixels({ pixels: many, shape: [200, 200, 1], labels: [0, 1, 0, 1] });
    const [values] = (await all(train)).inputs as [Float32Array];
    // Of n pixels the one above: √(n − 1).
    expect(values[0]).toBeCloseTo(Math.sqrt(39_999), 2);
  });

  it('refuses pixels that are not of so many images', () => {
    expect(() => fromPixels({ pixels, shape, labels: labels.slice(1) })).toThrow(
      /40 pixels are not those of 9 images of the shape \[2, 1, 2\]/,
    );
    expect(() => fromPixels({ pixels, shape: [2, 2] as never, labels })).toThrow(/shape = an array of 2/);
  });
});

describe('fromCsv', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'espalier-csv-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const file = async (text: string) => {
    const path = join(folder, 'table.csv');
    await writeFile(path, text);
    return path;
  };

  it('reads columns by name, and standardises by the training rows', async () => {
    const lines = rows.map(([x]) => `"kind ${x! % 2}",${x},0.1`);
    const set = await fromCsv(await file(`kind,x,same\n${lines.join('\n')}\n`), { label: 'kind' });
    expect(set.classes).toEqual(['kind 0', 'kind 1']);
    const { inputs, targets } = await all(set.train);
    const xs = [...targets].map((_, i) => inputs[0]![2 * i]!);
    const same = [...targets].map((_, i) => inputs[0]![2 * i + 1]!);
    expect(xs.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 5);
    expect(xs.reduce((a, b) => a + b * b, 0) / xs.length).toBeCloseTo(1, 5);
    expect(new Set(same)).toEqual(new Set([0]));
  });

  it.each<[string, string, object, RegExp]>([
    [
      'a value that is no number',
      'x,y\n1,2\n\n,3\n',
      { target: 'y' },
      /table\.csv: line 4 has '' in the column 'x'/,
    ],
    ['a row of another length', 'x,y\n1,2\n1\n', { target: 'y' }, /table\.csv cannot be read \(.*line 3/],
    ['a column that there is not', 'x,y\n1,2\n', { target: 'z' }, /has no column 'z': it has x, y/],
    ['an empty file', '', { target: 'z' }, /is empty/],
    ['two columns of a name', 'x,x,y\n1,2,3\n', { target: 'y' }, /has two columns 'x'/],
  ])('refuses %s', async (_, text, settings, message) => {
    const refusal = fromCsv(await file(text), settings);
    await expect(refusal).rejects.toThrow(DataError);
    await expect(refusal).rejects.toThrow(message);
    const ofText = () => fromCsvText(text, settings as CsvSettings, 'table.csv');
    expect(ofText).toThrow(DataError);
    expect(ofText).toThrow(message);
  });

  it('and fromCsvText make the same of a table', async () => {
    const text = `\ufeffkind;"a ""b"""\n${rows.map(([x]) => `k${x! % 3};${x! / 7}`).join('\r\n')}\n\n`;
    const settings = { label: 'kind', delimiter: ';', seed: 3 };
    const [ofFile, ofText] = [await fromCsv(await file(text), settings), fromCsvText(text, settings)];
    expect(await all(ofText.train)).toEqual(await all(ofFile.train));
    expect(ofText.digest?.()).toBe(ofFile.digest?.());
    expect(csvColumns(text, ';')).toEqual(['kind', 'a "b"']);
    expect(csvColumns('')).toEqual([]);
    expect(() => fromCsvText(4 as unknown as string, settings)).toThrow(/text = 4, .* the text of a table/);
  });

  it('refuses a file that is not there', async () => {
    await expect(fromCsv(join(folder, 'none.csv'), { target: 'y' })).rejects.toThrow(
      /none\.csv cannot be read/,
    );
  });
});
