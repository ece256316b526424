/** A data set of one's own, from a table in a file of comma-separated values; for Node. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { assertArgument, assertFields, assertFolder } from '../arguments.js';
import { DataError } from '../data-error.js';
import type { DataSet } from '../examples.js';
import { fromArrays, splitOf, type OwnSplit } from './from-arrays.js';

/** Which columns of a table are what. */
export interface CsvColumns {
  /** The column of the classes, by name or by index from 0: for classification. Either this or `target`. */
  readonly label?: string;
  /** The column of the number that is to be predicted: for regression. */
  readonly target?: string;
  /** The columns that the model is given, all of numbers; all others when absent. */
  readonly inputs?: readonly string[];
  /** Between two values; a comma when absent. */
  readonly delimiter?: string;
}

export interface CsvSettings extends CsvColumns, OwnSplit {}

/** A row for each example, as the file has them. */
export interface CsvExamples {
  readonly inputs: readonly (readonly number[])[];
  readonly labels?: readonly string[];
  readonly targets?: readonly number[];
}

/**
 * Its first row has the columns' names. Inputs are standardised: by the mean and the deviation of the training rows; a
 * column that is constant there becomes 0.
 *
 * @param path of the file, UTF-8
 * @throws DataError, by file and row, for a row of another length, a value that is no number, a column that there is not
 */
export async function fromCsv(path: string, settings: CsvSettings): Promise<DataSet> {
  const of = 'fromCsv()';
  assertFolder(path, of);
  assertFields(settings, [...COLUMNS, 'testShare', 'seed'], `${of}: settings`);
  const { testShare, seed, ...columns } = settings;
  const split = { ...(testShare !== undefined && { testShare }), ...(seed !== undefined && { seed }) };
  const { inputs, ...learned } = await examplesOf(path, columns, of);
  const { train } = splitOf(inputs.length, split, `${of} of ${path}`);
  return fromArrays({ inputs: standardised(inputs, train), ...learned, ...split });
}

/**
 * The examples of a table as they are, for a model that takes them so. Its first row has the columns' names.
 *
 * @throws what `fromCsv` throws
 */
export async function readCsv(path: string, columns: CsvColumns): Promise<CsvExamples> {
  const of = 'readCsv()';
  assertFolder(path, of);
  assertFields(columns, COLUMNS, `${of}: columns`);
  return examplesOf(path, columns, of);
}

const COLUMNS = ['label', 'target', 'inputs', 'delimiter'];

async function examplesOf(path: string, columns: CsvColumns, of: string): Promise<CsvExamples> {
  const { label, target, inputs, delimiter = ',' } = columns;
  assertArgument(
    typeof delimiter === 'string' && delimiter !== '',
    `${of}: delimiter`,
    delimiter,
    'a character',
  );
  if ((label === undefined) === (target === undefined)) {
    throw new TypeError(`${of} takes either label, a column of classes, or target, a column of numbers`);
  }
  const learned = (label ?? target) as string;
  const [first, ...others] = await recordsOf(path, delimiter);
  const header = first?.record;
  const rows = others.map(({ record }) => record);
  if (!header) throw new DataError(`${path} is empty: its first row is to have the columns' names`);
  const placeOf = (name: string) => {
    const place = header.indexOf(name);
    if (place >= 0) return place;
    throw new DataError(`${path} has no column '${name}': it has ${header.join(', ')}`);
  };
  const names = inputs ?? header.filter((name) => name !== learned);
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined)
    throw new DataError(`${path} has two columns '${twice}': give each a name of its own`);
  const places = names.map(placeOf);
  const learnedPlace = placeOf(learned);
  const numberAt = (row: readonly string[], place: number, i: number) => {
    const text = row[place] as string;
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value)) return value;
    throw new DataError(
      `${path}: line ${others[i]?.line} has '${text}' in the column '${header[place]}', which is no number: mend it or leave the row out`,
    );
  };
  return {
    inputs: rows.map((row, i) => places.map((place) => numberAt(row, place, i))),
    ...(label === undefined
      ? { targets: rows.map((row, i) => numberAt(row, learnedPlace, i)) }
      : { labels: rows.map((row) => row[learnedPlace] as string) }),
  };
}

/** Each with the line of the file that it ends in. */
async function recordsOf(path: string, delimiter: string): Promise<{ record: string[]; line: number }[]> {
  const { parse } = await import('csv-parse');
  const records: { record: string[]; line: number }[] = [];
  const parser = parse({ delimiter, bom: true, skip_empty_lines: true, trim: true, info: true });
  parser.on('data', ({ record, info }: { record: string[]; info: { lines: number } }) =>
    records.push({ record, line: info.lines }),
  );
  await pipeline(createReadStream(path), parser).catch((error: Error) => {
    throw new DataError(`${path} cannot be read (${error.message}): mend the file`);
  });
  return records;
}

/** @param train the rows that tell mean and deviation */
function standardised(rows: CsvExamples['inputs'], train: Int32Array): number[][] {
  const columns = rows[0]?.length ?? 0;
  const meanOf = (value: (row: readonly number[]) => number) =>
    train.reduce((sum, i) => sum + value(rows[i] as readonly number[]), 0) / train.length;
  const means = Array.from({ length: columns }, (_, j) => meanOf((row) => row[j] as number));
  const deviations = means.map((mean, j) => Math.sqrt(meanOf((row) => ((row[j] as number) - mean) ** 2)));
  // Not by the deviation, which rounding leaves above zero.
  const one = rows[train[0] as number] as readonly number[];
  const varies = means.map((_, j) => train.some((i) => rows[i]?.[j] !== one[j]));
  return rows.map((row) =>
    row.map((value, j) => (varies[j] ? (value - (means[j] as number)) / (deviations[j] as number) : 0)),
  );
}
