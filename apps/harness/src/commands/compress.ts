/** `espalier compress <model.json>`: a model with blocks of zeros as one that holds the others alone. */
import { startBackend, type BackendChoice } from '@espalier/backend';
import {
  compress,
  compressGraphModel,
  compressionReport,
  graphCompressionReport,
  type HowToCompress,
  type HowToCompressGraph,
  type Quantization,
} from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { UsageError } from '@espalier/experiment';
import * as tf from '@tensorflow/tfjs';

import {
  beforeAndAfter,
  bytesOfFile,
  columns,
  differenceLines,
  openAnyModel,
  percent,
} from '../one-model.js';
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
  const { block, quantize, out } = options;
  await startBackend(options.backend);
  const model = await openAnyModel(path);
  const how = block && { blockShape: block };
  const isGraph = model instanceof tf.GraphModel;
  if (isGraph && quantize) {
    throw new UsageError(
      `${path} is a graph model, whose numbers keep the bits that the converter gave them: leave --quantize out, and give ` +
        'tensorflowjs_converter its --quantize_uint8 or --quantize_float16',
    );
  }
  const { compressed, dense } = await (isGraph
    ? graphCompressionReport(model, how)
    : compressionReport(model, how));
  if (compressed.length === 0) {
    const why = dense.map(({ name, reason }) => `${name} ${reason}`).join('; ');
    const otherwise = isGraph ? 'prune it where it is made' : 'espalier prune makes blocks of zeros';
    throw new UsageError(`${path} has no kernel to compress (${why}): ${otherwise}`);
  }
  const save = await (isGraph ? savingGraph(model, how) : savingLayers(model, how, quantize));
  await save(fileSystem(out));
  const written = await openAnyModel(out);
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
      after: { model: written, bytes: await bytesOfFile(model, save) },
    }),
    '',
    ...(await differenceLines(model, written)),
    `${out} is for tf.${isGraph ? 'loadGraphModel' : 'loadLayersModel'}, after import '@espalier/block-sparse'.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

type Save = (handler: tf.io.IOHandler) => Promise<tf.io.SaveResult>;

async function savingLayers(
  model: tf.LayersModel,
  how: HowToCompress | undefined,
  quantize: Quantization | undefined,
): Promise<Save> {
  const small = await compress(model, how);
  return (handler) => small.save(handler, quantize && { quantize });
}

async function savingGraph(model: tf.GraphModel, how: HowToCompressGraph | undefined): Promise<Save> {
  const small = await compressGraphModel(model, how);
  return (handler) => small.save(handler);
}
