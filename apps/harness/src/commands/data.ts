/** `espalier data get <name>`: downloads a data set, whole and checked, into the data folder. */
import { dataFolder, download, mnistDownload } from '@espalier/datasets';
import cliProgress from 'cli-progress';
import { closest } from 'fastest-levenshtein';

import { UsageError } from '../errors.js';

const downloads = [mnistDownload];

export async function getData(name: string, options: { data?: string; from?: string }): Promise<void> {
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
