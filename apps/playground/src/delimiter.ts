import { csvColumns } from '@espalier/datasets/csv-text';

/**
 * What stands between the values of a table: of comma, semicolon and tab the one that makes most columns of its first row,
 * read as the data are: what is quoted is no delimiter.
 */
export function delimiterOf(text: string): string {
  const columns = [',', ';', '\t'].map((delimiter) => ({ delimiter, count: columnsBy(text, delimiter) }));
  return columns.reduce((best, other) => (other.count > best.count ? other : best)).delimiter;
}

/** 0 where the row cannot be read so. */
function columnsBy(text: string, delimiter: string): number {
  try {
    return csvColumns(text, delimiter).length;
  } catch {
    return 0;
  }
}
