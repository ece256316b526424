/** `espalier report <folder…>`: what earlier comparisons came to, in the format asked for, and its plots as files. */
import { basename, dirname, join, relative, resolve, sep } from 'node:path';

import { mergeSummaries, UsageError, type NamedSummary, type Summary } from '@espalier/experiment';
import { makeFolder, nodeReports, putInPlace, storeAddress, storeAt } from '@espalier/experiment/node';
import type { Compared, TrialRecord } from '@espalier/report';

import * as options from '../options.js';
import type { Command } from './command.js';

interface ReportCommandOptions {
  readonly format: ReportFormat;
  readonly out?: string;
  readonly plots?: string;
}

/** Those that are made of a summary alone; and the page, which is drawn. */
const reportFormats = [...(Object.keys(nodeReports) as (keyof typeof nodeReports)[]), 'html'] as const;
type ReportFormat = (typeof reportFormats)[number];

export const report: Command = {
  usage: 'report <folder...>',
  description: 'show what earlier comparisons came to; several of one workload as one',
  arguments: (command) =>
    command
      .option(
        '--format <format>',
        `how: ${reportFormats.join(', ')}`,
        options.oneNameOf('format', reportFormats),
        'table',
      )
      .option('--out <file>', 'where to (default: what the command prints)')
      .option('--plots <folder>', 'write each plot there, as SVG and PNG'),
  run,
};

async function run(folders: readonly string[], given: ReportCommandOptions): Promise<void> {
  const { format, out, plots } = given;
  const summary = mergeSummaries(await Promise.all(folders.map(readSummary)));
  const text =
    format === 'html'
      ? await (await drawing()).htmlReport(await comparedIn(folders, summary, out))
      : nodeReports[format](summary, { width: out === undefined ? process.stdout.columns : undefined });
  if (out === undefined) process.stdout.write(text);
  else await write(resolve(out), text, '--out');
  if (plots !== undefined) await writePlots(resolve(plots), await comparedIn(folders, summary));
}

/** Loaded when it is wanted: Vega is large. */
const drawing = () => import('@espalier/report');

/** @param out the page, from which links go */
async function comparedIn(
  folders: readonly string[],
  summary: Summary,
  out = 'report.html',
): Promise<Compared> {
  const { readTrials } = await drawing();
  const trials: TrialRecord[] = [];
  for (const folder of folders) {
    const path = resolve(folder);
    const place = relative(dirname(resolve(out)), path).replaceAll(sep, '/') || '.';
    trials.push(...(await readTrials(await storeAt(storeAddress(folder)), place)));
  }
  return { summary, trials };
}

async function writePlots(folder: string, compared: Compared): Promise<void> {
  const { plotsOf, pngFile, svgFile } = await drawing();
  const plots = await plotsOf(compared);
  for (const plot of plots) {
    await write(join(folder, `${plot.name}.svg`), svgFile(plot), '--plots');
    await write(join(folder, `${plot.name}.png`), await pngFile(plot), '--plots');
  }
  process.stderr.write(`${plots.length} plots written to ${folder}, each as SVG and PNG\n`);
}

/** @param option by which another place is chosen */
async function write(path: string, content: string | Uint8Array, option: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await putInPlace(path, content);
  } catch (error) {
    // Of a message that has the file system's own in it, that.
    const { message } = error as Error;
    const reason = /\(([^()]+)\)/.exec(message)?.[1] ?? message;
    throw new UsageError(`${path} cannot be written (${reason}): choose another with ${option}`);
  }
}

async function readSummary(folder: string): Promise<NamedSummary> {
  const store = await storeAt(storeAddress(folder));
  const path = `${folder}/summary.json`;
  const text = await store.read('summary.json');
  if (text === null) {
    const begun = await store.trials();
    throw new UsageError(
      begun.length > 0
        ? `${path} is missing: no trial of ${basename(resolve(folder))} has ended yet`
        : `${path} is missing: give the --out folder of an \`espalier compare\``,
    );
  }
  const summary = parse(text, path);
  if (summary.schemaVersion !== 1) {
    throw new UsageError(
      `${path} has schemaVersion ${summary.schemaVersion}; this version of espalier reads 1`,
    );
  }
  return { name: folder, summary };
}

function parse(text: string, path: string): Summary {
  const damaged = (why: string) => new UsageError(`${path} is damaged (${why}): run the comparison again`);
  let summary: Summary;
  try {
    summary = JSON.parse(text) as Summary;
  } catch (error) {
    throw damaged((error as Error).message);
  }
  if (Array.isArray((summary as Partial<Summary> | null)?.rows) && typeof summary.workload === 'string')
    return summary;
  throw damaged('it has no workload or no rows');
}
