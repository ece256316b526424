/** `espalier report <folder>`: prints the table of an earlier comparison again, in the format asked for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { UsageError, type Summary } from '@espalier/experiment';
import { nodeReports } from '@espalier/experiment/node';
import { Option } from 'commander';

import type { Command } from './command.js';

export const report: Command = {
  usage: 'report <folder>',
  description: 'print the table of an earlier comparison again',
  arguments: (command) =>
    command.addOption(
      new Option('--format <format>', 'how').choices(Object.keys(nodeReports)).default('table'),
    ),
  run,
};

async function run(folder: string, options: { format: keyof typeof nodeReports }): Promise<void> {
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
  process.stdout.write(nodeReports[options.format](summary, { width: process.stdout.columns }));
}

function parse(text: string, path: string): Summary {
  try {
    return JSON.parse(text) as Summary;
  } catch (error) {
    throw new UsageError(`${path} is damaged (${(error as Error).message}): run the comparison again`);
  }
}
