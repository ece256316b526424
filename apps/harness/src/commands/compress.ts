/** `espalier compress <model.json>`: a model with blocks of zeros as one that holds the others alone. */
import { startBackend, type BackendChoice } from '@espalier/backend';
import { compress, compressionReport, type Quantization } from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { UsageError } from '@espalier/experiment';

import { beforeAndAfter, bytesOfFile, columns, differenceLines, openModel, percent } from '../one-model.js';
import type { Command } from './command.js';
import { backendOption, blockOption, quantizeOption } from './model-options.js';

interface CompressOptions {
  readonly out: string;
  readonly block?: [number, number];
  readonly quantize?: Quantization;
  readonly backend: BackendChoice;
}

export const compressCommand: Command = {
  usage: 'compress <model>',
  description: 'write a model whose kernels have blocks of zeros with the other blocks alone',
  arguments: (command) =>
    quantizeOption(backendOption(blockOption(command))).requiredOption(
      '--out <folder>',
      'where model.json and its weights go; a model that is there is replaced',
    ),
  run,
};

async function run(path: string, options: CompressOptions): Promise<void> {
  await startBackend(options.backend);
  const model = await openModel(path);
  const how = options.block && { blockShape: options.block };
  const { compressed, dense } = await compressionReport(model, how);
  if (compressed.length === 0) {
    const why = dense.map(({ name, reason }) => `${name} ${reason}`).join('; ');
    throw new UsageError(`${path} has no kernel to compress (${why}): espalier prune makes blocks of zeros`);
  }
  const small = await compress(model, how);
  const { quantize } = options;
  await small.save(fileSystem(options.out), quantize && { quantize });
  const written = await openModel(options.out);
  const rows = compressed.map(({ name, matrixShape, blockShape, blocks, keptBlocks }) => [
    ...[name, matrixShape.join('×'), blockShape.join('×'), `${keptBlocks} of ${blocks}`],
    percent(1 - keptBlocks / blocks),
  ]);
  const lines = [
    columns([['kernel', 'matrix', 'block', 'blocks kept', 'sparsity'], ...rows]),
    ...dense.map(({ name, reason }) => `${name} stays dense: ${reason}`),
    '',
    await beforeAndAfter({
      before: { model, bytes: await bytesOfFile(model) },
      after: {
        model: written,
        bytes: await bytesOfFile(model, (handler) => small.save(handler, quantize && { quantize })),
      },
    }),
    '',
    ...(await differenceLines(model, written)),
    `${options.out} is for tf.loadLayersModel, after import '@espalier/block-sparse'.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
