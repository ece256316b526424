/** The reports that Node and browsers draw, by their format's name. */
import { assertArgument, assertOptions } from '@espalier/core';

import { aStore, aSummary, aWidth } from '../arguments.js';
import type { Store } from '../store/store.js';
import type { Summary } from '../summary.js';
import { csv } from './csv.js';
import { json } from './json.js';
import { latex } from './latex.js';
import { markdown } from './markdown.js';
import type { Report } from './report.js';

/** One that checks what it is given. */
export function checked(format: string, report: Report): Report {
  const of = `The report ${format}`;
  return (summary, options = {}) => {
    assertArgument(of, 'summary', summary, aSummary);
    assertOptions(of, options, { width: aWidth });
    return report(summary, options);
  };
}

export const reports = {
  markdown: checked('markdown', markdown),
  csv: checked('csv', csv),
  json: checked('json', json),
  latex: checked('latex', latex),
} as const satisfies Readonly<Record<string, Report>>;

const FILES: Readonly<Record<string, Report>> = {
  'summary.json': json,
  'summary.md': markdown,
  'summary.csv': csv,
};

/** Writes `summary.json`, `summary.md` and `summary.csv`. */
export async function writeSummary(store: Store, summary: Summary): Promise<void> {
  assertArgument('writeSummary()', 'store', store, aStore);
  assertArgument('writeSummary()', 'summary', summary, aSummary);
  await Promise.all(Object.entries(FILES).map(([name, report]) => store.write(name, report(summary))));
}
