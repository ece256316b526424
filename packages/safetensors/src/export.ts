/** Weights and masks of a model as PyTorch lays them out. */
import {
  assertKnownOptions,
  blockGrid,
  describeValue,
  matrixShape,
  nonZeroBlocks,
  type PruningReport,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import { toTorch } from './layout.js';
import { torchWeights, type NamingOptions, type TorchWeight } from './torch-weights.js';
import type { TensorToWrite } from './write.js';

export interface ExportOptions extends NamingOptions {
  /** Of `pruning.finalize()`: each kernel that was pruned gets a mask beside it. */
  readonly report?: PruningReport;
}

/**
 * The weights of a model under the names and in the layout of PyTorch, for `writeSafetensors`: what `loadSafetensors` reads,
 * and `load_state_dict` once the masks are taken out. With a report, `fc1.weight_mask` beside `fc1.weight`: 1 for each weight of
 * a block that is kept, `BOOL`, as `torch.nn.utils.prune.custom_from_mask` takes it.
 *
 * A bias that PyTorch has twice, as of an LSTM, is whole in the first and zero in the second.
 *
 * @param model finalised; a compressed one is decompressed first
 * @throws TypeError for arguments of other types; RangeError that lists every layer which PyTorch has no counterpart of, and for
 *   a report of another model; Error for a model under pruning
 */
export async function torchTensors(
  model: tf.LayersModel,
  options: ExportOptions = {},
): Promise<Map<string, TensorToWrite>> {
  const of = 'torchTensors()';
  assertKnownOptions(options, ['names', 'flattened', 'report'], of);
  const { report } = options;
  if (report !== undefined && !Array.isArray((report as PruningReport | null)?.pruned)) {
    throw new TypeError(`${of} takes the report of finalize(), it is given ${describeValue(report)}`);
  }
  const { weights, faults } = torchWeights(model, options, of);
  if (faults.length > 0)
    throw new RangeError(`${of}: the model has layers without a counterpart: ${faults.join('; ')}`);
  const tensors = new Map<string, TensorToWrite>();
  for (const weight of weights) {
    const { layout, variable, parameters } = weight;
    const { shape } = layout;
    const data = toTorch(Float32Array.from(await variable.data()), layout);
    const [first, ...others] = parameters[0]!;
    put(tensors, first!, { shape, data }, of);
    for (const other of others) put(tensors, other, { shape, data: new Float32Array(data.length) }, of);
    const pruned = report?.pruned.find(({ name }) => inOneCase(name) === inOneCase(weight.name));
    if (pruned) put(tensors, `${first!}_mask`, await maskOf(weight, pruned.blockShape), of);
  }
  const missing = report?.pruned.find(
    ({ name }) =>
      !weights.some((weight) => inOneCase(weight.name) === inOneCase(name)) && options.names === undefined,
  );
  if (missing) throw new RangeError(`${of}: the report is of another model: this one has no ${missing.name}`);
  return tensors;
}

/** Core names kernels by their fields, `recurrentKernel`, tfjs by their weights, `recurrent_kernel`. */
function inOneCase(name: string): string {
  const at = name.lastIndexOf('/');
  return name.slice(0, at) + name.slice(at).replaceAll('_', '').toLowerCase();
}

function put(tensors: Map<string, TensorToWrite>, name: string, tensor: TensorToWrite, of: string): void {
  if (tensors.has(name)) {
    throw new RangeError(
      `${of}: two weights would be ${name}: give one of their layers another name, by names`,
    );
  }
  tensors.set(name, tensor);
}

/** 1 for each weight of a block with anything but zeros. */
async function maskOf(
  { name, variable, layout }: TorchWeight,
  blockShape: readonly [number, number],
): Promise<TensorToWrite> {
  const matrix = matrixShape(variable.shape, name.endsWith('depthwise_kernel') ? 'depthwise' : 'other');
  const grid = blockGrid(matrix, blockShape);
  const kept = nonZeroBlocks((await variable.data()) as Float32Array, grid);
  const [rows, columns] = blockShape;
  const mask = new Uint8Array(variable.size);
  for (let at = 0; at < mask.length; at++) {
    const row = Math.floor(Math.floor(at / matrix[1]) / rows);
    mask[at] = kept[row * grid.gridShape[1] + Math.floor((at % matrix[1]) / columns)]!;
  }
  return { dtype: 'BOOL', shape: layout.shape, data: toTorch(mask, layout) };
}
