/** `espalier report <folder>`: prints the table of an earlier comparison again, in the format asked for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { UsageError } from '../errors.js';
import type { Summary } from '../report/summary.js';
import { toCsv, toMarkdown, toTerminal } from '../report/table.js';

export const reportFormats = ['table', 'markdown', 'csv'] as const;

export async function report(
  folder: string,
  options: { format: (typeof reportFormats)[number] },
): Promise<void> {
  const path = join(folder, 'summary.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new UsageError(
      `${path} is missing: give the --out folder of an \`espalier compare\` that has finished`,
    );
  });
  const summary = parse(text, path);
  if (summary.schemaVersion !== 1) {
    throw new UsageError(
      `${path} has schemaVersion ${summary.schemaVersion}; this version of espalier reads 1`,
    );
  }
  const table = () => toTerminal(summary, process.stdout.columns);
  const draw = { table, markdown: toMarkdown, csv: toCsv }[options.format];
  process.stdout.write(`${draw(summary).trimEnd()}\n`);
}

function parse(text: string, path: string): Summary {
  try {
    return JSON.parse(text) as Summary;
  } catch (error) {
    throw new UsageError(`${path} is damaged (${(error as Error).message}): run the comparison again`);
  }
}
