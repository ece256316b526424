/**
 * The competition's file as rows of one size, in a folder of the user's cache. For Node.
 *
 * A row has 160 bytes, in the machine's own order of bytes: the label, 13 numbers, 26 tokens of categories, each of 4
 * bytes. Labels and tokens are int32. A number is an int32 token too, or the float32 logarithm. Tokens have the sum of
 * the tokens of the fields before them added, so that one table serves all fields.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { DataError } from '../data-error.js';
import type { PreparationProgress } from '../preparation.js';
import { prepared } from '../prepared/prepared.js';
import { RowWriter } from '../prepared/rows.js';
import { hashed, MISSING_CATEGORY, vocabulary, type CategoryTokens } from './categories.js';
import { numberLogarithm, numberToken, NUMBER_TOKENS } from './numbers.js';
import { CATEGORIES, FIELDS, INTEGERS, type Line } from './parse.js';
import { readCriteo, type Reading } from './read.js';
import { ValueTable } from './values.js';

/** A word is four bytes. */
export const ROW_WORDS = 1 + FIELDS;
export const ROW_BYTES = 4 * ROW_WORDS;

/** To be changed with what rows are, or how tokens are numbered: what was prepared otherwise is not found then. */
export const FORM = 'criteo rows 2';

export interface CriteoForm {
  readonly categories: { readonly minimumCount: number } | { readonly buckets: number };
  readonly numbers: 'tokens' | 'logarithms';
  /** Null for all. */
  readonly rows: number | null;
}

export interface PreparedCriteo {
  readonly rowsFile: string;
  /** How many tokens each field has that has tokens, in their order. */
  readonly fieldSizes: readonly number[];
  /** How many rows there are. */
  readonly count: number;
}

/**
 * @param path of the source
 * @param content its digest
 * @throws DataError for a row that is none, an empty file, an archive that is not whole; nothing of it is kept
 */
export async function prepareCriteo(
  path: string,
  content: string,
  form: CriteoForm,
  onProgress: (progress: PreparationProgress) => void = () => {},
): Promise<PreparedCriteo> {
  const folder = await prepared('criteo', [FORM, content, form], async (partial) => {
    const reading = (what: string): Reading => ({
      ...(form.rows !== null && { rows: form.rows }),
      onProgress: (done, total) => onProgress({ what, done, total }),
    });
    const tokens = await categoryTokens(path, form, reading('Criteo: counting categories, bytes'));
    const written = await writeRows(path, join(partial, ROWS), form, tokens, reading('Criteo: writing rows, bytes')); // prettier-ignore
    await writeFile(join(partial, DESCRIPTION), `${JSON.stringify(written)}\n`);
  });
  return { rowsFile: join(folder, ROWS), ...(await descriptionIn(join(folder, DESCRIPTION))) };
}

const ROWS = 'rows.bin';
const DESCRIPTION = 'fields.json';

async function descriptionIn(path: string): Promise<Pick<PreparedCriteo, 'fieldSizes' | 'count'>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Pick<PreparedCriteo, 'fieldSizes' | 'count'>;
  } catch (error) {
    throw new DataError(`${path} cannot be read (${(error as Error).message}): remove its folder, and the data is prepared again`); // prettier-ignore
  }
}

/** Of each of the 26 fields; a vocabulary takes a pass over the file. */
async function categoryTokens(
  path: string,
  { categories }: CriteoForm,
  reading: Reading,
): Promise<readonly CategoryTokens[]> {
  if ('buckets' in categories) return Array.from({ length: CATEGORIES }, () => hashed(categories.buckets));
  const counts = Array.from({ length: CATEGORIES }, () => new ValueTable());
  const count = (line: Line) => {
    for (let field = 0; field < CATEGORIES; field++) {
      if (!line.isMissing[field]) (counts[field] as ValueTable).increment(line.categories[field] as number);
    }
  };
  await readCriteo(path, count, undefined, reading);
  return counts.map((table) => vocabulary(table, categories.minimumCount));
}

async function writeRows(
  path: string,
  into: string,
  { numbers }: CriteoForm,
  tokens: readonly CategoryTokens[],
  reading: Reading,
): Promise<Omit<PreparedCriteo, 'rowsFile'>> {
  const ofNumbers = numbers === 'tokens' ? Array.from({ length: INTEGERS }, () => NUMBER_TOKENS) : [];
  const sizes = [...ofNumbers, ...tokens.map(({ size }) => size)];
  const offsets = sizes.map((_, field) => sizes.slice(0, field).reduce((sum, size) => sum + size, 0));
  const ofCategories = offsets.slice(ofNumbers.length);
  const writer = await RowWriter.create(into, ROW_BYTES);
  try {
    let waiting: Uint8Array[] = [];
    const take = ({ label, integers, categories, isMissing }: Line) => {
      const words = new Int32Array(ROW_WORDS);
      const floats = new Float32Array(words.buffer);
      words[0] = label;
      for (let i = 0; i < INTEGERS; i++) {
        const x = integers[i] as number;
        if (numbers === 'tokens') words[1 + i] = (offsets[i] as number) + numberToken(x);
        else floats[1 + i] = numberLogarithm(x);
      }
      for (let i = 0; i < CATEGORIES; i++) {
        const token = isMissing[i] ? MISSING_CATEGORY : (tokens[i] as CategoryTokens).of(categories[i] as number); // prettier-ignore
        words[1 + INTEGERS + i] = (ofCategories[i] as number) + token;
      }
      waiting.push(new Uint8Array(words.buffer));
    };
    const write = async () => {
      for (const row of waiting) await writer.write(row);
      waiting = [];
    };
    await readCriteo(path, take, write, reading);
  } finally {
    await writer.close();
  }
  return { fieldSizes: sizes, count: writer.count };
}
