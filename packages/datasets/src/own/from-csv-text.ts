/** A data set of one's own, from the text of a table: in a page, where a file is chosen by hand. For Node, too. */
import { parse } from 'csv-parse/browser/esm/sync';

import { assertArgument, assertFields } from '../arguments.js';
import type { DataSet } from '../examples.js';
import { cannotBeRead, dataSetOf, delimiterOf, READING, SETTINGS, type CsvSettings } from './csv-table.js';

/**
 * What `fromCsv` makes of a file with this text: the same examples, split and standardised alike.
 *
 * @param called what the table is called in errors
 * @throws DataError, by row, for a row of another length, a value that is no number, a column that there is not
 */
export function fromCsvText(text: string, settings: CsvSettings, called = 'the table'): DataSet {
  const of = 'fromCsvText()';
  assertText(text, of);
  assertFields(settings, SETTINGS, `${of}: settings`);
  return dataSetOf(recordsOf(text, delimiterOf(settings, of), called), settings, of, called);
}

/**
 * The names of a table's columns: its first row.
 *
 * @param delimiter a comma when absent
 * @param called what the table is called in errors
 * @throws DataError where even that cannot be read
 */
export function csvColumns(text: string, delimiter = ',', called = 'the table'): string[] {
  const of = 'csvColumns()';
  assertText(text, of);
  const [first] = recordsOf(text, delimiterOf({ delimiter }, of), called, 1);
  return first ? [...first.record] : [];
}

function assertText(text: string, of: string): void {
  assertArgument(typeof text === 'string', `${of}: text`, text, 'the text of a table');
}

/** @param most how many rows are wanted; all when absent */
function recordsOf(text: string, delimiter: string, called: string, most = -1) {
  try {
    const rows = parse(text, { delimiter, ...READING, to: most }) as unknown as readonly {
      record: string[];
      info: { lines: number };
    }[];
    return rows.map(({ record, info }) => ({ record, line: info.lines }));
  } catch (error) {
    throw cannotBeRead(called, error as Error);
  }
}
