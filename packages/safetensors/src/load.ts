/** The weights of a PyTorch checkpoint in a model of TensorFlow.js. */
import { assertOptions, aFunction, describeValue } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { SafeTensor } from './dtypes.js';
import { fromTorch } from './layout.js';
import type { SafeTensors } from './read.js';
import { torchWeights, type NamingOptions, type TorchWeight } from './torch-weights.js';

export interface LoadOptions extends NamingOptions {
  /** Tensors of the checkpoint that are to go nowhere; `num_batches_tracked` goes nowhere as it is. */
  readonly ignore?: (tensor: string) => boolean;
}

export interface LoadReport {
  /** Each weight, and the tensors that it was made of. */
  readonly loaded: readonly { readonly weight: string; readonly tensors: readonly string[] }[];
  /** What no checkpoint tells, and is to be in the model as in PyTorch: a sentence each. */
  readonly toCheck: readonly string[];
}

/**
 * Gives a model the weights of a checkpoint, each in the layout of its layer, all or none. A module that PyTorch prunes
 * (`weight_orig`, `weight_mask`) comes with its zeros.
 *
 * | layer                    | from PyTorch's                                                       |
 * | ------------------------ | -------------------------------------------------------------------- |
 * | dense                    | `weight` `[out, in]`, `bias`                                         |
 * | convolutions, transposed | `weight` `[out, in, …space]`, `[in, out, …space]`, `bias`            |
 * | depthwiseConv2d          | `weight` `[channels · multiplier, 1, h, w]`, `bias`                  |
 * | batchNormalization       | `weight`, `bias`, `running_mean`, `running_var`                      |
 * | layerNormalization       | `weight`, `bias`                                                     |
 * | embedding                | `weight`                                                             |
 * | simpleRNN, lstm          | `weight_ih`, `weight_hh`, `bias_ih` + `bias_hh`, with `_l0` or without; of both directions under `bidirectional` |
 *
 * Behind a flatten layer the rows of a kernel are put in the order of channels last.
 *
 * @param model built, with the shapes of PyTorch's
 * @param file what `readSafetensors` gave
 * @throws TypeError for arguments of other types; RangeError that lists every weight without a tensor, every tensor without a
 *   weight, all shapes that differ, and what is not float or not finite; Error for a model under pruning
 *
 * @example
 * ```ts
 * import { loadSafetensors, readSafetensors, writeSafetensors } from '@espalier/safetensors';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const file = writeSafetensors({ 'fc1.weight': { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) } }); // [out, in]
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ units: 2, inputShape: [3], useBias: false, name: 'fc1' })],
 * });
 * const { loaded } = loadSafetensors(model, readSafetensors(file));
 * console.log(loaded[0]?.weight, model.getWeights()[0]?.arraySync()); // fc1/kernel [ [ 1, 4 ], [ 2, 5 ], [ 3, 6 ] ]
 * ```
 */
export function loadSafetensors(
  model: tf.LayersModel,
  file: SafeTensors,
  options: LoadOptions = {},
): LoadReport {
  const of = 'loadSafetensors()';
  assertLoadOptions(options, of);
  const tensors = (file as SafeTensors | undefined)?.tensors;
  if (!(tensors instanceof Map)) {
    throw new TypeError(`${of} takes what readSafetensors() gives, it is given ${describeValue(file)}`);
  }
  const { weights, faults, toCheck } = torchWeights(model, options, of);
  const used = new Set<string>();
  const wrong = [...faults];
  const found = weights.flatMap((weight) => {
    try {
      const { tensors: names, data } = numbersFor(weight, tensors, used);
      return [{ weight, tensors: names, data }];
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      wrong.push(error.message);
      return [];
    }
  });
  const left = [...tensors.keys()].filter(
    (name) => !used.has(name) && !name.endsWith('num_batches_tracked') && !options.ignore?.(name),
  );
  if (left.length > 0) wrong.push(`no weight takes ${left.join(', ')}`);
  if (wrong.length > 0) throw new RangeError(`${of}: the checkpoint is not the model's: ${wrong.join('; ')}`);
  for (const { weight, data } of found) {
    tf.tidy(() => weight.variable.assign(tf.tensor(data, weight.variable.shape)));
  }
  return { loaded: found.map(({ weight, tensors }) => ({ weight: weight.name, tensors })), toCheck };
}

class Misfit extends Error {}

function assertLoadOptions(options: LoadOptions, of: string): void {
  const any = { type: 'object', holds: () => true, words: '' } as const;
  assertOptions(of, options, { names: any, flattened: any, ignore: aFunction('a function of a name') });
}

interface Numbers {
  readonly tensors: readonly string[];
  /** In the layer's order. */
  readonly data: Float32Array;
}

/** @throws Misfit */
function numbersFor(
  { name, layout, parameters }: TorchWeight,
  tensors: ReadonlyMap<string, SafeTensor>,
  used: Set<string>,
): Numbers {
  const has = (each: string) => tensors.has(each) || tensors.has(`${each}_orig`);
  const names = parameters.find((alternative) => alternative.every(has));
  if (!names) {
    const asked = parameters.map((alternative) => alternative.join(' and ')).join(', nor ');
    throw new Misfit(`${name} finds no ${asked}`);
  }
  const parts = names.map((each) => parameterOf(each, tensors, used));
  const [first, ...others] = parts.map(({ data }, i) =>
    floats(names[i]!, parts[i]!.shape, data, name, layout),
  );
  const sum = others.reduce((total, part) => total.map((value, i) => value + part[i]!), first!);
  return { tensors: parts.flatMap(({ tensors: own }) => own), data: fromTorch(sum, layout) };
}

/** A parameter, or that under a mask of `torch.nn.utils.prune`. */
function parameterOf(
  name: string,
  tensors: ReadonlyMap<string, SafeTensor>,
  used: Set<string>,
): SafeTensor & { readonly tensors: readonly string[] } {
  const whole = tensors.get(name);
  const names = whole ? [name] : [`${name}_orig`, `${name}_mask`];
  // A mask beside its parameter, as torchTensors() writes it, says no more than the zeros do.
  for (const each of [...names, `${name}_mask`]) used.add(each);
  if (whole) return { ...whole, tensors: names };
  const [original, mask] = names.map((each) => tensors.get(each)) as [SafeTensor, SafeTensor | undefined];
  if (mask?.shape.join() !== original.shape.join()) {
    throw new Misfit(
      `${names[0]} is [${original.shape.join(', ')}], and ${names[1]} ${mask ? `[${mask.shape.join(', ')}]` : 'is not there'}`,
    );
  }
  const { data } = original;
  if (!(data instanceof Float32Array)) return { ...original, tensors: names };
  return { ...original, data: data.map((value, i) => (Number(mask.data[i]) ? value : 0)), tensors: names };
}

function floats(
  tensor: string,
  shape: readonly number[],
  data: SafeTensor['data'],
  weight: string,
  layout: TorchWeight['layout'],
): Float32Array {
  if (shape.join() !== layout.shape.join()) {
    throw new Misfit(`${tensor} is [${shape.join(', ')}], and ${weight} takes [${layout.shape.join(', ')}]`);
  }
  if (!(data instanceof Float32Array)) {
    throw new Misfit(`${tensor} is a ${data.constructor.name}, and ${weight} takes floats`);
  }
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return data;
  throw new Misfit(`${tensor} holds ${data[at]} at place ${at}`);
}
