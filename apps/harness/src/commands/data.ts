/**
 * `espalier data`: `list` what there is, `get` downloads a set, whole and checked, `prepare` reads it once, so that trials
 * need not, `verify` reads every file again.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { dataFolder } from '@espalier/datasets/data-folder';
import { download } from '@espalier/datasets/download';
import { verify } from '@espalier/datasets/verify';
import { UsageError } from '@espalier/experiment';
import Table from 'cli-table3';
import { closest } from 'fastest-levenshtein';

import { dataSets, standing, type KnownDataSet } from '../data-sets.js';
import { InterruptedError } from '../errors.js';
import { showAmount } from '../live/amount.js';
import { size } from '../options.js';
import type { Command } from './command.js';

const under = { name: 'data', description: 'data sets' };
const WHERE = "where data lies (default: $ESPALIER_DATA, then the user's cache)";

interface DataOptions {
  readonly data?: string;
}

export const listData: Command = {
  under,
  usage: 'list',
  description: 'the data sets, where they come from, and whether they are there',
  arguments: (command) => command.option('--data <folder>', WHERE).option('--json', 'as JSON'),
  run: list,
};

export const getData: Command = {
  under,
  usage: 'get <name>',
  description: 'download a data set into the data folder; one that broke off goes on',
  arguments: (command) =>
    command.option('--data <folder>', WHERE).option('--from <address>', 'another address to download from'),
  run: get,
};

export const prepareData: Command = {
  under,
  usage: 'prepare <name>',
  description: 'read a data set once, into what trials read often',
  arguments: (command) =>
    command
      .option('--data <folder>', WHERE)
      .option('--from <folder>', 'where its raw files lie, of imagenet (default: the data folder)')
      .option(
        '--size <pixels or none>',
        "of imagenet: what larger images' shorter side becomes; none keeps every file as it is (default: 256)",
        size,
      ),
  run: prepare,
};

export const verifyData: Command = {
  under,
  usage: 'verify [name]',
  description: 'read every file of a data set, or of all that are there, and say whether it is right',
  arguments: (command) => command.option('--data <folder>', WHERE),
  run: verifyAll,
};

async function list(options: DataOptions & { json?: boolean }): Promise<void> {
  const folder = dataFolder(options.data);
  const content = await Promise.all(
    dataSets.map(async (set) => ({
      name: set.name,
      description: set.description,
      standing: await standing(set, folder),
      obtain: set.download ? `espalier data get ${set.name}` : set.obtain,
      prepared: set.prepare !== null,
    })),
  );
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ folder, sets: content }, null, 2)}\n`);
    return;
  }
  const table = new Table({
    head: ['data set', 'what it is', 'in the data folder', 'how to come by it'],
    colWidths: [null, 44, null, 60],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  table.push(
    ...content.map(({ name, description, standing, obtain }) => [name, description, standing, obtain ?? '']),
  );
  process.stdout.write(`${table.toString()}\nThe data folder is ${folder}\n`);
}

/** @returns the exit code: 0 where all files are right, else 1 */
async function verifyAll(name: string | undefined, options: DataOptions): Promise<number> {
  const folder = dataFolder(options.data);
  const there = ({ name, download }: KnownDataSet) => download && existsSync(join(folder, name));
  const sets = name === undefined ? dataSets.filter(there) : [fetched(name)];
  if (sets.length === 0) process.stdout.write(`Nothing in ${folder} yet: espalier data get mnist\n`);
  let code = 0;
  for (const { name: set, download } of sets) {
    if (!download) continue;
    for (const file of await verify(download, folder)) {
      process.stdout.write(`${set}/${file.name}: ${file.state}${file.why ? ` (${file.why})` : ''}\n`);
      if (file.state !== 'right') code = 1;
    }
  }
  return code;
}

function known(name: string): KnownDataSet {
  const found = dataSets.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = dataSets.map((candidate) => candidate.name);
  throw new UsageError(`Unknown data set '${name}': did you mean '${closest(name, names)}'?`);
}

function fetched(name: string): KnownDataSet {
  const found = known(name);
  if (found.download) return found;
  throw new UsageError(`${name} cannot be fetched for you: ${found.obtain}`);
}

async function get(name: string, options: DataOptions & { from?: string }): Promise<void> {
  const { download: wanted } = fetched(name);
  const bar = showAmount('kB');
  const folder = await download(wanted!, dataFolder(options.data), {
    ...(options.from === undefined ? {} : { from: options.from }),
    onProgress({ file, receivedBytes, totalBytes }) {
      bar.update(
        file,
        Math.ceil(receivedBytes / 1000),
        totalBytes === null ? null : Math.ceil(totalBytes / 1000),
      );
    },
  }).finally(() => bar.stop());
  process.stdout.write(`${name} is in ${folder}\n`);
}

async function prepare(
  name: string,
  options: DataOptions & { from?: string; size?: number | null },
): Promise<void> {
  const { prepare: make } = known(name);
  if (!make) throw new UsageError(`${name} needs no preparation: it is read as it is`);
  for (const option of ['from', 'size'] as const) {
    if (options[option] === undefined || name === 'imagenet') continue;
    throw new UsageError(`--${option} is for imagenet: ${name} is prepared in one way alone`);
  }
  const interruption = new AbortController();
  const interrupt = (signal: NodeJS.Signals) =>
    interruption.abort(
      new InterruptedError(signal, 'Interrupted: the same command goes on with what is whole'),
    );
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, interrupt);
  const bar = showAmount();
  try {
    const done = await Promise.race([
      make({
        dataFolder: resolve(dataFolder(options.data)),
        ...(options.from !== undefined && { from: resolve(options.from) }),
        ...(options.size !== undefined && { size: options.size }),
        onProgress({ what, done: soFar, total }) {
          bar.update(what, soFar, total);
        },
        signal: interruption.signal,
      }),
      aborted(interruption.signal),
    ]);
    bar.stop();
    process.stdout.write(`${name} is prepared: ${done}\n`);
  } finally {
    bar.stop();
    for (const signal of signals) process.removeListener(signal, interrupt);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}
