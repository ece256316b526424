import type { BlockPattern } from '../../pattern.js';

export function noSuchRow(row: number, { matrixShape: [n] }: BlockPattern): RangeError {
  return new RangeError(`There is no row ${row} in a table of ${n}: rows are counted from 0 to ${n - 1}`);
}
