/** `espalier prune <model.json>`: a trained model pruned, and trained on with examples of one's own or not. */
import { join } from 'node:path';

import { startBackend, type BackendChoice } from '@espalier/backend';
import { compress, type Quantization } from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { readCsv } from '@espalier/datasets/csv';
import { isUsageError, UsageError } from '@espalier/experiment';
import { useAccelerators } from '@espalier/wasm-training/accelerators';
import type { Command as Commander } from 'commander';

import { beforeAndAfter, bytesOfFile, openModel, percent } from '../one-model.js';
import * as parse from '../options.js';
import {
  asExamples,
  loadNamedPruner,
  prunedUntrained,
  qualityOf,
  train,
  type PruneTarget,
} from '../prune-model.js';
import type { Command } from './command.js';
import { modelTarget, quantizeOption } from './model-options.js';

interface PruneOptions extends PruneTarget {
  readonly out: string;
  readonly pruner?: string;
  readonly config?: string;
  readonly data?: string;
  readonly label?: string;
  readonly target?: string;
  readonly fineTune?: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly quantize?: Quantization;
  readonly backend: BackendChoice;
}

export const prune: Command = {
  usage: 'prune <model>',
  description: 'prune a trained model, with a fine-tuning on a table of examples or without, and compress it',
  arguments: (command) =>
    fineTuning(quantizeOption(modelTarget(command, '0.9'))).requiredOption(
      '--out <folder>',
      'where dense/ and block-sparse/ go; models that are there are replaced',
    ),
  run,
};

const fineTuning = (command: Commander): Commander =>
  command
    .option('--data <file.csv>', 'examples as the model takes them, a row each, under a row of names')
    .option('--label <column>', 'the column of the classes')
    .option(
      '--target <column>',
      'the column of the number that is to be predicted, where there are no classes',
    )
    .option('--fine-tune <epochs>', 'train on while it is pruned; wants --data', parse.epochs)
    .option('--batch <n>', 'examples a step', parse.batchSize, 64)
    .option('--learning-rate <rate>', 'of Adam', parse.learningRate, 1e-3)
    .option(
      '--pruner <name or module>',
      'strategy (default: sequential-attention-plus-plus, and magnitude where nothing is trained)',
    )
    .option('--config <file>', "espalier.config.ts (default: found upwards, to the package's root)");

async function run(path: string, options: PruneOptions): Promise<void> {
  const { data, label, target, fineTune, out } = options;
  if (fineTune !== undefined && data === undefined)
    throw new UsageError('--fine-tune wants examples: --data <file.csv>');
  if (data !== undefined && (label === undefined) === (target === undefined)) {
    throw new UsageError('--data wants the column that is to be learned: either --label or --target');
  }
  const pruner = await loadNamedPruner(
    options.pruner ?? (fineTune === undefined ? 'magnitude' : 'sequential-attention-plus-plus'),
    options.config,
  );
  const { name } = await startBackend(options.backend);
  if (name === 'wasm') await useAccelerators('auto');
  const model = await openModel(path);
  const before = { model: await openModel(path), bytes: await bytesOfFile(model) };
  const examples = data === undefined ? null : await asExamples(model, await csvExamples(data, options));
  const lines: string[] = [];
  const qualities = examples && [`before: ${await qualityOf(model, examples)}`];
  const report =
    fineTune === undefined
      ? await prunedUntrained(model, pruner, options, examples)
      : await train(model, pruner, options, examples!, { ...options, epochs: fineTune }, progress);
  qualities?.push(`after: ${await qualityOf(model, examples!)}`);
  const small = await compress(model, report);
  const { quantize } = options;
  await model.save(fileSystem(join(out, 'dense')));
  await small.save(fileSystem(join(out, 'block-sparse')), quantize && { quantize });
  const written = await openModel(join(out, 'block-sparse'));
  const bytes = await bytesOfFile(model, (handler) => small.save(handler, quantize && { quantize }));
  lines.push(
    `${pruner.name}: ${percent(report.achieved.prunedLayers)} of the blocks of ${report.pruned.length} kernels are pruned, ` +
      `${percent(report.achieved.model)} of the model's weights`,
    ...report.dense.map(({ name, reason }) => `${name} stays dense: ${reason}`),
    ...(examples ? report.warnings : []),
    ...(qualities ? ['', `${examples!.heldOut} examples held out:`, ...qualities] : []),
    '',
    await beforeAndAfter({ before, after: { model: written, bytes } }),
    '',
    `${join(out, 'dense')} is a plain model, zeros in place; ${join(out, 'block-sparse')} is for tf.loadLayersModel after import '@espalier/block-sparse'.`,
  );
  if (!examples) {
    lines.push(
      'Nothing was trained: give --data and --fine-tune, or train it on, to win back what pruning costs.',
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  examples?.dispose();
}

async function csvExamples(path: string, { label, target }: PruneOptions) {
  try {
    return await readCsv(path, {
      ...(label !== undefined && { label }),
      ...(target !== undefined && { target }),
    });
  } catch (error) {
    if (isUsageError(error) || (error as Error).name === 'DataError')
      throw new UsageError((error as Error).message);
    throw error;
  }
}

function progress(epoch: number, epochs: number, loss: number): void {
  process.stderr.write(`epoch ${epoch} of ${epochs}: loss ${loss.toPrecision(4)}\n`);
}
