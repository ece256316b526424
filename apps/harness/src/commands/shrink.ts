/** `espalier shrink <model.json>`: a model with rows and columns of zeros as a smaller one without their units and channels. */
import { startBackend, type BackendChoice } from '@espalier/backend';
import { saveQuantized, type Quantization } from '@espalier/block-sparse';
import { fileSystem } from '@espalier/block-sparse/node';
import { UsageError } from '@espalier/experiment';
import { shrink, type BeforeAndAfter } from '@espalier/shrink';

import { beforeAndAfter, bytesOfFile, columns, differenceLines, openModel } from '../one-model.js';
import type { Command } from './command.js';
import { backendOption, quantizeOption } from './model-options.js';

interface ShrinkOptions {
  readonly out: string;
  readonly quantize?: Quantization;
  readonly backend: BackendChoice;
}

export const shrinkCommand: Command = {
  usage: 'shrink <model>',
  description: 'write a model without the units and channels whose kernels are zero: smaller, and plain',
  arguments: (command) =>
    quantizeOption(backendOption(command)).requiredOption(
      '--out <folder>',
      'where model.json and its weights go; a model that is there is replaced',
    ),
  run,
};

async function run(path: string, { out, quantize, backend }: ShrinkOptions): Promise<void> {
  await startBackend(backend);
  const model = await openModel(path);
  const { model: small, report } = await shrink(model);
  const { parameters, multiplyAdds, layers, stayed } = report;
  const left = stayed.map(
    ({ name, of, count, reason }) => `${count} ${of} of ${name} stay, though they are zero: ${reason}`,
  );
  if (parameters.after === parameters.before) {
    throw new UsageError(
      `${path} has no unit or channel that can go (${left.join('; ') || 'no row or column of a kernel is zero'}): ` +
        'espalier prune with blocks as long as a kernel is, such as --block 784x1, makes some; espalier compress is for ' +
        'smaller blocks',
    );
  }
  const save = (handler: Parameters<typeof small.save>[0]) =>
    quantize ? saveQuantized(small, handler, { quantize }) : small.save(handler);
  await save(fileSystem(out));
  const written = await openModel(out);
  const change = ({ before, after }: BeforeAndAfter) => [String(before), String(after)];
  const rows = layers.map(({ name, units, parameters: own }) => [
    name,
    ...(units ? change(units) : ['—', '—']),
    ...change(own),
  ]);
  const sums = [
    ['all', '', '', ...change(parameters)],
    ...(multiplyAdds ? [['multiply-adds of an example', '', '', ...change(multiplyAdds)]] : []),
  ];
  const lines = [
    columns([['layer', 'units', 'left', 'parameters', 'left'], ...rows, ...sums]),
    ...left,
    '',
    await beforeAndAfter({
      before: { model, bytes: await bytesOfFile(model) },
      after: { model: written, bytes: await bytesOfFile(small, save) },
    }),
    '',
    ...(await differenceLines(model, written)),
    `${out} is a plain model, for tf.loadLayersModel.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
