/** The reports that Node and browsers draw, by their format's name. */
import type { Store } from '../store/store.js';
import type { Summary } from '../summary.js';
import { csv } from './csv.js';
import { json } from './json.js';
import { markdown } from './markdown.js';
import type { Report } from './report.js';

export const reports = { markdown, csv, json } as const satisfies Readonly<Record<string, Report>>;

const FILES: Readonly<Record<string, Report>> = {
  'summary.json': json,
  'summary.md': markdown,
  'summary.csv': csv,
};

/** Writes `summary.json`, `summary.md` and `summary.csv`. */
export async function writeSummary(store: Store, summary: Summary): Promise<void> {
  await Promise.all(Object.entries(FILES).map(([name, report]) => store.write(name, report(summary))));
}
