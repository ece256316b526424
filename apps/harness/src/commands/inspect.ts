/** `espalier inspect <model.json>`: what pruning would make of a model's kernels, and of its size and speed. */
import { startBackend, type BackendChoice } from '@espalier/backend';
import { compress, compressionReport } from '@espalier/block-sparse';
import type { AllocationName, PruningReport } from '@espalier/core';

import { beforeAndAfter, bytesOfFile, columns, openModel, percent } from '../one-model.js';
import { loadNamedPruner, prunedUntrained, type PruneTarget } from '../prune-model.js';
import type { Command } from './command.js';
import { modelTarget } from './model-options.js';

interface InspectOptions extends PruneTarget {
  readonly backend: BackendChoice;
  readonly allocation?: AllocationName;
  readonly json?: boolean;
}

export const inspect: Command = {
  usage: 'inspect <model>',
  description:
    "what pruning would keep of each of a model's kernels, what stays dense and why, size and speed",
  arguments: (command) => modelTarget(command, '0.9').option('--json', 'as JSON'),
  run,
};

async function run(path: string, options: InspectOptions): Promise<void> {
  await startBackend(options.backend);
  const model = await openModel(path);
  const zeros = await compressionReport(model, { blockShape: options.block });
  const already = new Map(
    zeros.compressed.map(({ name, blocks, keptBlocks }) => [name, 1 - keptBlocks / blocks]),
  );
  // A copy: pruned by the magnitude of its blocks, and not trained, it has the size and speed that it would have.
  const copy = await openModel(path);
  const report = await prunedUntrained(copy, await loadNamedPruner('magnitude'), options, null);
  const small = await compress(copy, report);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...report, zeroNow: Object.fromEntries(already) }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${kernelLines(report, already)}\n\n`);
  const sizes = {
    now: { model, bytes: await bytesOfFile(model) },
    [`at ${percent(options.sparsity)}`]: { model: small, bytes: await bytesOfFile(small) },
  };
  process.stdout.write(`${await beforeAndAfter(sizes)}\n\n`);
  process.stdout.write(
    'Pruned by magnitude and not trained: sizes and times are what they would be, outputs are not. espalier prune does it.\n',
  );
}

function kernelLines({ pruned, dense }: PruningReport, already: ReadonlyMap<string, number>): string {
  const rows = pruned.map(({ name, matrixShape, blockShape, blocks, targetBlocks }) => [
    ...[name, matrixShape.join('×'), blockShape.join('×'), String(blocks)],
    ...[percent(already.get(name) ?? 0), String(targetBlocks)],
  ]);
  const table = columns([['kernel', 'matrix', 'block', 'blocks', 'zero now', 'would keep'], ...rows]);
  const left = dense.map(({ name, shape, reason }) => `${name} [${shape.join(', ')}] stays dense: ${reason}`);
  return [table, ...left].join('\n');
}
