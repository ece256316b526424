/** `espalier data get <name>`: downloads a data set, whole and checked, into the data folder. */
import { dataFolder } from '@espalier/datasets/data-folder';
import { download } from '@espalier/datasets/download';
import { mnistDownload } from '@espalier/datasets/mnist';
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
  run,
};

async function run(name: string, options: { data?: string; from?: string }): Promise<void> {
  const found = downloads.find((candidate) => candidate.name === name);
  if (!found) {
    const names = downloads.map((candidate) => candidate.name);
    throw new UsageError(`Unknown data set '${name}': did you mean '${closest(name, names)}'?`);
  }
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
