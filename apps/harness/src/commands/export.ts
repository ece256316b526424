/** `espalier export <folder>`: the model of one of its trials, as files. */
import { resolve } from 'node:path';

import { startBackend } from '@espalier/backend';
import { dataFolder } from '@espalier/datasets/data-folder';
import { exportModel, type ExportedModel } from '@espalier/experiment/node';

import type { Command } from './command.js';

interface ExportCommandOptions {
  readonly trial: string;
  readonly out: string;
  readonly compressed?: boolean;
  readonly data?: string;
}

export const exportCommand: Command = {
  usage: 'export <folder>',
  description: 'write the model of one trial, finished or not, for tf.loadLayersModel',
  arguments: (command) =>
    command
      .requiredOption(
        '--trial <name or strategy>',
        'which: its folder under trials/, as much of that name as no other has, or a strategy that has one trial',
      )
      .requiredOption('--out <folder>', 'where model.json, weights.bin and masks.json go; made anew')
      .option('--compressed', 'with block-sparse layers, for @espalier/block-sparse (default: dense)')
      .option(
        '--data <folder>',
        "where data lies, for a trial that has not ended (default: $ESPALIER_DATA, then the user's cache)",
      ),
  run,
};

async function run(folder: string, options: ExportCommandOptions): Promise<void> {
  const { trial, out, compressed = false } = options;
  const exported = await exportModel({
    ...{ folder, trial, out, compressed },
    dataFolder: resolve(dataFolder(options.data)),
    startBackend: () => startBackend('wasm'),
  });
  process.stdout.write(`${describe(exported)}: ${exported.files.join(', ')} in ${resolve(out)}\n`);
}

function describe({ trial, from, step, totalSteps, cutAtEnd }: ExportedModel): string {
  if (from === 'models') return `${trial}, as it ended after ${step} steps`;
  const cut = cutAtEnd > 0 ? `, with ${cutAtEnd} blocks cut to come to the target` : '';
  return `${trial}, as its checkpoint at step ${step} of ${totalSteps} would be finalised${cut}`;
}
