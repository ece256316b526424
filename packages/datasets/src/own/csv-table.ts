/** A table of comma-separated values as examples, however it was read. */
import { assertArgument } from '../arguments.js';
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

/** A row, and the line of the table that it ends in. */
export interface Numbered {
  readonly record: readonly string[];
  readonly line: number;
}

export const COLUMNS = ['label', 'target', 'inputs', 'delimiter'];
export const SETTINGS = [...COLUMNS, 'testShare', 'seed'];

/** What a table is read with, whoever reads it. */
export const READING = { bom: true, skip_empty_lines: true, trim: true, info: true } as const;

/** @param of the function that is called, for its errors */
export function delimiterOf({ delimiter = ',' }: CsvColumns, of: string): string {
  assertArgument(
    typeof delimiter === 'string' && delimiter !== '',
    `${of}: delimiter`,
    delimiter,
    'a character',
  );
  return delimiter;
}

export function cannotBeRead(called: string, { message }: Error): DataError {
  return new DataError(`${called} cannot be read (${message}): mend the file`);
}

/**
 * Standardised: by the mean and the deviation of the training rows; a column that is constant there becomes 0.
 *
 * @param called what the table is called in errors
 */
export function dataSetOf(
  records: readonly Numbered[],
  settings: CsvSettings,
  of: string,
  called: string,
): DataSet {
  const { testShare, seed, ...columns } = settings;
  const split = { ...(testShare !== undefined && { testShare }), ...(seed !== undefined && { seed }) };
  const { inputs, ...learned } = examplesOf(records, columns, of, called);
  const { train } = splitOf(inputs.length, split, `${of} of ${called}`);
  return fromArrays({ inputs: standardised(inputs, train), ...learned, ...split });
}

export function examplesOf(
  [first, ...others]: readonly Numbered[],
  { label, target, inputs }: CsvColumns,
  of: string,
  called: string,
): CsvExamples {
  if ((label === undefined) === (target === undefined)) {
    throw new TypeError(`${of} takes either label, a column of classes, or target, a column of numbers`);
  }
  const learned = (label ?? target) as string;
  const header = first?.record;
  const rows = others.map(({ record }) => record);
  if (!header) throw new DataError(`${called} is empty: its first row is to have the columns' names`);
  const placeOf = (name: string) => {
    const place = header.indexOf(name);
    if (place >= 0) return place;
    throw new DataError(`${called} has no column '${name}': it has ${header.join(', ')}`);
  };
  const names = inputs ?? header.filter((name) => name !== learned);
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined)
    throw new DataError(`${called} has two columns '${twice}': give each a name of its own`);
  const places = names.map(placeOf);
  const learnedPlace = placeOf(learned);
  const numberAt = (row: readonly string[], place: number, i: number) => {
    const text = row[place] as string;
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value)) return value;
    throw new DataError(
      `${called}: line ${others[i]?.line} has '${text}' in the column '${header[place]}', which is no number: mend it or leave the row out`,
    );
  };
  return {
    inputs: rows.map((row, i) => places.map((place) => numberAt(row, place, i))),
    ...(label === undefined
      ? { targets: rows.map((row, i) => numberAt(row, learnedPlace, i)) }
      : { labels: rows.map((row) => row[learnedPlace] as string) }),
  };
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
