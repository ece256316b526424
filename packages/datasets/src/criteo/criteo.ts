/** Criteo's Display Advertising Challenge (2014): who clicks, by 13 integers and 26 categories. For Node. */
import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { assertArgument, assertFields, assertFolder, isWhole } from '../arguments.js';
import { DataError } from '../data-error.js';
import type { DataSet, Examples } from '../examples.js';
import { contentHashes, digestOf } from '../manifest.js';
import type { PreparationProgress } from '../preparation.js';
import { openRows, type RowFile } from '../prepared/rows.js';
import { permutation, random } from '../random.js';
import { subset } from '../splits.js';
import { CATEGORIES, FIELDS, INTEGERS } from './parse.js';
import { FORM, prepareCriteo, ROW_BYTES, ROW_WORDS, type CriteoForm } from './prepare.js';

/** The papers that use the data leave all of this open, or each says its own. */
export interface CriteoSettings {
  /**
   * How categories become tokens, in each field by itself: those that stand in the file `minimumCount` times by a
   * vocabulary, in which all others share one token, or all by hashing to `buckets`. Default `{ minimumCount: 10 }`.
   */
  readonly categories?: CriteoForm['categories'];
  /**
   * `tokens`, the default: ⌊ln(x)²⌋ and the like, one input `[39]` of int32. `logarithms`: sign(x) ln(1 + |x|), 0 where
   * there is none, and two inputs, `[13]` of float32 and `[26]` of int32.
   */
  readonly numbers?: CriteoForm['numbers'];
  /** Takes the first so many of the file's rows; all by default. */
  readonly rows?: number;
  /**
   * `random`, the default: a tenth of the rows, drawn by `seed`, is the test split. `position`: the last seventh is,
   * which is the last of the file's seven days, as it is ordered by time and has no column of it; only for files of
   * 40 million rows or more, since a part of the whole is not of seven days.
   */
  readonly split?: 'random' | 'position';
  /** Of the random split, a whole number; 0 by default. */
  readonly seed?: number;
  /** Is told how far it is, where rows have to be prepared first. */
  readonly onProgress?: (progress: PreparationProgress) => void;
}

export interface Criteo extends DataSet {
  /** How many tokens each field has; a token of a field is behind those of all fields before it. */
  readonly fieldSizes: readonly number[];
}

/** The file has 45,840,617 rows. */
const LEAST_ROWS_BY_POSITION = 40_000_000;
const DAYS = 7;
const TEST_SHARE = 0.1;

/**
 * Prepares `train.txt` or `train.txt.gz`, the first time, into rows that are read as they are asked for.
 *
 * @param folder the data folder; the file lies in its `criteo/`
 * @throws DataError when the file is missing, damaged, or has a row that is none
 * @throws RangeError or TypeError for a setting that is not what it is to be
 */
export async function loadCriteo(folder: string, settings: CriteoSettings = {}): Promise<Criteo> {
  const { form, split, seed, onProgress } = checked(folder, settings);
  const path = await sourceIn(join(folder, 'criteo'));
  const [content] = (await contentHashes(join(folder, 'criteo'), [basename(path)])) as [string];
  const { rowsFile, fieldSizes, count } = await prepareCriteo(path, content, form, onProgress);
  const file = await openRows(rowsFile, ROW_BYTES);
  try {
    if (file.count !== count) {
      throw new DataError(`${rowsFile} has ${file.count} rows, and ${count} were written: remove ${dirname(rowsFile)}, and it is prepared again`); // prettier-ignore
    }
    const examples = examplesOf(file, form);
    const parts = split === 'random' ? byChance(file.count, seed) : byPosition(file.count, path);
    return {
      train: subset(examples, parts.train),
      test: subset(examples, parts.test),
      fieldSizes,
      digest: () =>
        digestOf([FORM, content, JSON.stringify([form, split, split === 'random' ? seed : null])]),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Tokens of all fields are numbered on, as int32. */
const MOST_BUCKETS = 10_000_000;

function checked(folder: string, settings: CriteoSettings) {
  const of = 'loadCriteo()';
  assertFolder(folder, of);
  assertFields(settings, ['categories', 'numbers', 'rows', 'split', 'seed', 'onProgress'], `${of}: settings`);
  const { categories = { minimumCount: 10 }, numbers = 'tokens', rows, split = 'random', seed = 0, onProgress } = settings; // prettier-ignore
  assertFields(categories, ['minimumCount', 'buckets'], `${of}: categories`);
  const [kind, ...others] = Object.keys(categories) as (keyof typeof categories)[];
  if (kind === undefined || others.length > 0) {
    throw new TypeError(`${of}: categories is to be { minimumCount } or { buckets }, one of them`);
  }
  const most = kind === 'buckets' ? MOST_BUCKETS : Number.MAX_SAFE_INTEGER;
  assertArgument(isWhole(categories[kind], 1) && (categories[kind] as number) <= most, `${of}: ${String(kind)}`, categories[kind], kind === 'buckets' ? `a whole number from 1 to ${MOST_BUCKETS}` : 'a whole number of at least 1'); // prettier-ignore
  assertArgument(['tokens', 'logarithms'].includes(numbers), `${of}: numbers`, numbers, "'tokens' or 'logarithms'"); // prettier-ignore
  assertArgument(rows === undefined || isWhole(rows, 2), `${of}: rows`, rows, 'a whole number of at least 2');
  assertArgument(['random', 'position'].includes(split), `${of}: split`, split, "'random' or 'position'");
  assertArgument(isWhole(seed, 0), `${of}: seed`, seed, 'a whole number of at least 0');
  const canBeTold = onProgress === undefined || typeof onProgress === 'function';
  assertArgument(canBeTold, `${of}: onProgress`, onProgress, 'a function of progress');
  const form: CriteoForm = { categories, numbers, rows: rows ?? null };
  return { form, split, seed, onProgress };
}

async function sourceIn(folder: string): Promise<string> {
  const [text, archive] = ['train.txt', 'train.txt.gz'].map((name) => join(folder, name)) as [string, string];
  for (const path of [text, archive]) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new DataError(
    `${text} is missing, and so is ${basename(archive)}: put the training file of Criteo's Display Advertising Challenge there, or point --data or $ESPALIER_DATA to the folder that holds criteo/`,
  );
}

function examplesOf(file: RowFile, { numbers }: CriteoForm): Examples {
  const [first, inputs] =
    numbers === 'tokens'
      ? [1, [{ shape: [FIELDS], type: 'int32' } as const]]
      : [
          1 + INTEGERS,
          [{ shape: [INTEGERS], type: 'float32' } as const, { shape: [CATEGORIES], type: 'int32' } as const],
        ];
  return {
    count: file.count,
    inputs,
    target: { shape: [], type: 'int32' },
    async gather(indices) {
      const { buffer } = file.read(indices);
      const words = new Int32Array(buffer);
      const tokens = columns(words, first, ROW_WORDS, Int32Array);
      const targets = columns(words, 0, 1, Int32Array);
      if (numbers === 'tokens') return { inputs: [tokens], targets };
      return { inputs: [columns(new Float32Array(buffer), 1, first, Float32Array), tokens], targets };
    },
  };
}

/** The words of each row from first to last. */
function columns<T extends Int32Array | Float32Array>(
  words: T,
  first: number,
  end: number,
  Columns: new (length: number) => T,
): T {
  const rows = words.length / ROW_WORDS;
  const length = end - first;
  const taken = new Columns(rows * length);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < length; i++) taken[row * length + i] = words[row * ROW_WORDS + first + i] as number;
  }
  return taken;
}

interface Parts {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** Each part in the file's order. */
export function byChance(count: number, seed: number): Parts {
  const tests = Math.round(TEST_SHARE * count);
  if (tests === 0)
    throw new DataError(`Criteo's ${count} rows are too few for a test split of a tenth: take more`);
  const isTest = new Uint8Array(count);
  for (const row of permutation(count, random(seed, 'criteo/test')).subarray(0, tests)) isTest[row] = 1;
  const [train, test] = [new Int32Array(count - tests), new Int32Array(tests)];
  for (let row = 0, [i, j] = [0, 0]; row < count; row++) {
    if (isTest[row]) test[j++] = row;
    else train[i++] = row;
  }
  return { train, test };
}

/** The last seventh is the test split. */
export function byPosition(count: number, path: string): Parts {
  if (count < LEAST_ROWS_BY_POSITION) {
    throw new DataError(
      `${path} has ${count} rows here, and the split by position takes the whole file (at least ${LEAST_ROWS_BY_POSITION}), whose last seventh is its last day: choose the random split`,
    );
  }
  const first = count - Math.floor(count / DAYS);
  const order = new Int32Array(count);
  for (let row = 0; row < count; row++) order[row] = row;
  return { train: order.subarray(0, first), test: order.subarray(first) };
}
