/** One line a trial, every number in full: for spreadsheets and statistics programs. */
// The build that runs in Node and in browsers alike.
import { stringify } from 'csv-stringify/browser/esm/sync';

import { denseValueIn, measuresIn, valueIn, type Row, type Summary } from '../summary.js';
import type { Report } from './report.js';
import { overridesText } from './target.js';

export const csv: Report = (summary) =>
  stringify(
    summary.rows.map((row) => record(row, summary)),
    { header: true },
  );

function record(row: Row, summary: Summary): Record<string, unknown> {
  const values = measuresIn(summary).flatMap((measure) => {
    const { key, denseKey } = measure;
    const dense = denseKey === undefined ? [] : [[columnName(denseKey), denseValueIn(row, measure)]];
    return [[columnName(key), valueIn(row, measure)], ...dense];
  });
  return {
    workload: summary.workload,
    pruner: row.pruner,
    sparsity: row.sparsity,
    block_rows: row.blockShape[0],
    block_columns: row.blockShape[1],
    allocation: row.allocation,
    overrides: row.overrides && overridesText(row.overrides),
    seed: row.seed,
    status: row.status,
    ...(Object.fromEntries(values) as Record<string, number | null>),
    init_fingerprint: row.fingerprint?.init,
    data_fingerprint: row.fingerprint?.data,
  };
}

const columnName = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
