/**
 * `espalier tensorflow`: `install` builds the native backend for a TensorFlow that is there, or that is downloaded, `status`
 * says what is installed, `remove` takes it away.
 */
import { resolve } from 'node:path';

import {
  describeLibrary,
  installTensorflow,
  removeTensorflow,
  sourceText,
  tensorflowStatus,
  type Addon,
  type DownloadKind,
} from '@espalier/backend';

import { interruptibly } from '../interruptible.js';
import { showAmount } from '../live/amount.js';
import { oneNameOf } from '../options.js';
import type { Command } from './command.js';

const under = { name: 'tensorflow', description: 'the native TensorFlow backend' };

const DOWNLOADS: readonly DownloadKind[] = ['cpu', 'cuda'];

export const tensorflowInstall: Command = {
  under,
  usage: 'install',
  description: 'build the native backend for a TensorFlow: that of a Python, or one of PyPI',
  arguments: (command) =>
    command
      .option(
        '--python <command>',
        'the Python whose TensorFlow it is, or whose pip downloads one (default: python3)',
      )
      .option('--from <folder>', 'the folder of a TensorFlow instead: of its wheel, unpacked')
      .option(
        '--download <cpu,cuda>',
        'take the wheel of PyPI: 0.3 GB for the processor, 3 GB for CUDA with its libraries',
        oneNameOf('download', DOWNLOADS),
      )
      .option(
        '--tensorflow <version>',
        'of the download, such as 2.21.0 (default: the newest that was tried)',
      ),
  run: install,
};

export const tensorflowState: Command = {
  under,
  usage: 'status',
  description: 'what is installed, where it came from, and whether it is there still',
  arguments: (command) => command.option('--json', 'as JSON'),
  run: status,
};

export const tensorflowRemove: Command = {
  under,
  usage: 'remove',
  description: 'remove every addon, and the TensorFlows that were downloaded for them',
  arguments: (command) => command,
  run: remove,
};

interface InstallOptions {
  readonly python?: string;
  readonly from?: string;
  readonly download?: DownloadKind;
  readonly tensorflow?: string;
}

async function install({ from, tensorflow: version, ...options }: InstallOptions): Promise<void> {
  const bar = showAmount('MB');
  const { addon, made, bytes, seconds } = await interruptibly('nothing was installed', (signal) =>
    installTensorflow({
      ...options,
      ...(from !== undefined && { from: resolve(from) }),
      ...(version !== undefined && { version }),
      onStep(line) {
        bar.stop();
        process.stdout.write(`${line}\n`);
      },
      onProgress: (file, received, total) => bar.update(file, megabytes(received), total && megabytes(total)),
      signal,
    }),
  ).finally(() => bar.stop());
  const how = made ? `${(bytes / 1e6).toFixed(1)} MB, in ${seconds} s` : 'which was there already';
  process.stdout.write(`Installed in ${addon.folder}, ${how}: --backend tensorflow takes it\n`);
}

/** @returns the exit code: 1 where what is in use cannot be loaded, else 0 */
async function status({ json }: { json?: boolean }): Promise<number> {
  const found = await tensorflowStatus();
  const { folder, inUse, trouble, addons, downloads } = found;
  const code = trouble === null ? 0 : 1;
  if (json) {
    process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
    return code;
  }
  const others = addons.filter(({ name }) => name !== inUse?.name);
  const lines = [
    ...(inUse ? [`in use: ${addonText(inUse)}`] : []),
    ...(trouble === null ? [] : [trouble]),
    ...(inUse || trouble
      ? []
      : [
          'Nothing is installed: espalier tensorflow install, with --download cpu where no Python has a TensorFlow',
        ]),
    ...others.map((addon) => `also there: ${addonText(addon)}`),
    ...downloads.map(({ name, bytes }) => `downloaded: ${name}, ${megabytes(bytes)} MB`),
    `The folder is ${folder}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return code;
}

function addonText({ tensorflow, source, package: npm, date, folder }: Addon): string {
  return [
    `${describeLibrary(tensorflow)}, ${sourceText(source)}: ${tensorflow.folder}`,
    `  by ${npm.name} ${npm.version}, ${date.slice(0, 10)}: ${folder}`,
  ].join('\n');
}

async function remove(): Promise<void> {
  const bytes = await removeTensorflow();
  process.stdout.write(bytes > 0 ? `Removed, ${megabytes(bytes)} MB\n` : 'Nothing was installed\n');
}

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
