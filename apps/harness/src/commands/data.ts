/** `espalier data get` downloads a data set, whole and checked, into the data folder; `data verify` reads it again. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { dataFolder } from '@espalier/datasets/data-folder';
import { download, type Download } from '@espalier/datasets/download';
import { mnistDownload } from '@espalier/datasets/mnist';
import { verify } from '@espalier/datasets/verify';
import { UsageError } from '@espalier/experiment';
import cliProgress from 'cli-progress';
import { closest } from 'fastest-levenshtein';

import type { Command } from './command.js';

const downloads = [mnistDownload];

export const data: Command = {
  under: { name: 'data', description: 'data sets' },
  usage: 'get <name>',
  description: 'download a data set (mnist) into the data folder',
  arguments: (command) =>
    command
      .option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)")
      .option('--from <address>', 'another address to download from'),
  run: get,
};

export const verifyData: Command = {
  under: { name: 'data', description: 'data sets' },
  usage: 'verify [name]',
  description: 'read every file of a data set, or of all that are there, and say whether it is right',
  arguments: (command) =>
    command.option('--data <folder>', "where data lies (default: $ESPALIER_DATA, then the user's cache)"),
  run: verifyAll,
};

/** @returns the exit code: 0 where all files are right, else 1 */
async function verifyAll(name: string | undefined, options: { data?: string }): Promise<number> {
  const folder = dataFolder(options.data);
  const there = (set: string) => existsSync(join(folder, set));
  const sets = name === undefined ? downloads.filter((set) => there(set.name)) : [downloadOf(name)];
  if (sets.length === 0) process.stdout.write(`Nothing in ${folder} yet: espalier data get mnist\n`);
  let code = 0;
  for (const set of sets) {
    for (const file of await verify(set, folder)) {
      process.stdout.write(`${set.name}/${file.name}: ${file.state}${file.why ? ` (${file.why})` : ''}\n`);
      if (file.state !== 'right') code = 1;
    }
  }
  return code;
}

function downloadOf(name: string): Download {
  const found = downloads.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = downloads.map((candidate) => candidate.name);
  throw new UsageError(`Unknown data set '${name}': did you mean '${closest(name, names)}'?`);
}

async function get(name: string, options: { data?: string; from?: string }): Promise<void> {
  const found = downloadOf(name);
  const bar = new cliProgress.SingleBar(
    {
      format: '{file} {bar} {value}/{total} kB',
      stream: process.stderr,
      noTTYOutput: false,
      hideCursor: true,
    },
    cliProgress.Presets.shades_grey,
  );
  bar.start(1, 0, { file: name });
  const folder = await download(found, dataFolder(options.data), {
    ...(options.from === undefined ? {} : { from: options.from }),
    onProgress({ file, receivedBytes, totalBytes }) {
      bar.setTotal(Math.ceil((totalBytes ?? receivedBytes) / 1000));
      bar.update(Math.ceil(receivedBytes / 1000), { file });
    },
  }).finally(() => bar.stop());
  process.stdout.write(`${name} is in ${folder}\n`);
}
