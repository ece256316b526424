/** A data set of one's own, from a table in a file of comma-separated values; for Node. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

import { assertFields, assertFolder } from '../arguments.js';
import type { DataSet } from '../examples.js';
import {
  cannotBeRead,
  COLUMNS,
  dataSetOf,
  delimiterOf,
  examplesOf,
  READING,
  SETTINGS,
  type CsvColumns,
  type CsvExamples,
  type CsvSettings,
  type Numbered,
} from './csv-table.js';

export type { CsvColumns, CsvExamples, CsvSettings } from './csv-table.js';

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
  assertFields(settings, SETTINGS, `${of}: settings`);
  return dataSetOf(await recordsOf(path, delimiterOf(settings, of)), settings, of, path);
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
  return examplesOf(await recordsOf(path, delimiterOf(columns, of)), columns, of, path);
}

async function recordsOf(path: string, delimiter: string): Promise<Numbered[]> {
  const { parse } = await import('csv-parse');
  const records: Numbered[] = [];
  const parser = parse({ delimiter, ...READING });
  parser.on('data', ({ record, info }: { record: string[]; info: { lines: number } }) =>
    records.push({ record, line: info.lines }),
  );
  await pipeline(createReadStream(path), parser).catch((error: Error) => {
    throw cannotBeRead(path, error);
  });
  return records;
}
