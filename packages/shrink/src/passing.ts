/** Layers that pass channels on: each output channel is made of one channel of each input. */
import type * as tf from '@tensorflow/tfjs';

import { applied, fieldsOf, numbersOf } from './fields.js';
import type { Constants, Passing } from './forms.js';
import type { Value } from './graph.js';
import { isOfEachChannel, padsNothing, tapSums } from './mixing.js';

/** @returns null for a layer that does something else with channels */
export async function passingForm(
  layer: tf.layers.Layer,
  inputs: readonly Value[],
  output: Value,
): Promise<Passing | null> {
  const fields = fieldsOf(layer);
  switch (layer.getClassName()) {
    case 'InputLayer':
    case 'Dropout':
    case 'SpatialDropout1D':
    case 'GaussianNoise':
    case 'GaussianDropout':
    case 'AlphaDropout':
    case 'RepeatVector':
    case 'UpSampling2D':
    case 'Cropping2D':
    case 'MaxPooling1D':
    case 'MaxPooling2D':
    case 'MaxPooling3D':
    case 'GlobalMaxPooling1D':
    case 'GlobalMaxPooling2D':
    case 'GlobalAveragePooling1D':
    case 'GlobalAveragePooling2D':
      return ofEachChannel(([x]) => x!);
    case 'AveragePooling1D':
    case 'AveragePooling2D':
    case 'AveragePooling3D':
      // Whether what is padded counts is a backend's own affair.
      return ofEachChannel(([x]) => (fields.padding === 'valid' ? x! : zerosOf(x!)));
    case 'ZeroPadding2D':
      return ofEachChannel(([x]) => {
        const pads = (fields.padding as readonly (readonly number[])[]).flat().some((width) => width > 0);
        return pads ? zerosOf(x!) : x!;
      });
    case 'Activation':
      if (!isOfEachChannel(fields.activation!.getClassName())) return null;
      return ofEachChannel(([x]) => applied(x!, (values) => fields.activation!.apply(values)));
    case 'ReLU':
    case 'LeakyReLU':
    case 'ELU':
    case 'ThresholdedReLU':
      return ofEachChannel(([x]) => applied(x!, (values) => layer.call(values, {}) as tf.Tensor));
    case 'Flatten':
      return flatten(inputs[0]!, output);
    case 'BatchNormalization':
      return batchNormalization(layer, inputs[0]!);
    case 'DepthwiseConv2D':
      return depthwise(layer);
    case 'Concatenate':
      return concatenate(inputs, fields.axis!);
    case 'Add':
    case 'Average':
    case 'Maximum':
    case 'Minimum':
    case 'Multiply':
      return merge(layer.getClassName(), inputs, output);
    default:
      return null;
  }
}

function ofEachChannel(
  constants: Passing['constants'],
  { inputs = 1, weights = [] }: { readonly inputs?: number; readonly weights?: Passing['weights'] } = {},
): Passing {
  const sources = (c: number) => Array.from({ length: inputs }, (_, i) => [i, c] as const);
  return { kind: 'passing', sources, constants, weights };
}

/** What stays constant beside zeros. */
function zerosOf(values: Constants): Constants {
  return values.map((value) => (value === 0 ? 0 : NaN));
}

/** Place after place, the channels of each side by side. */
function flatten({ channels }: Value, output: Value): Passing {
  return {
    kind: 'passing',
    sources: (c) => [[0, c % channels]],
    constants: ([x]) => Float64Array.from({ length: output.channels }, (_, c) => x![c % channels]!),
    weights: [],
  };
}

async function batchNormalization(
  layer: tf.layers.Layer,
  { shape, channels }: Value,
): Promise<Passing | null> {
  const { axis, epsilon } = fieldsOf(layer);
  if (axis !== -1 && axis !== shape.length - 1) return null;
  const read = async (field: string, other: number) =>
    (await numbersOf(layer, field)) ?? new Float32Array(channels).fill(other);
  const [gamma, beta] = [await read('gamma', 1), await read('beta', 0)];
  const [mean, variance] = [await read('movingMean', 0), await read('movingVariance', 1)];
  const constants: Passing['constants'] = ([x]) =>
    x!.map((value, c) => {
      const scale = gamma[c]! / Math.sqrt(variance[c]! + epsilon!);
      return scale === 0 ? beta[c]! : Math.fround((value - mean[c]!) * scale + beta[c]!);
    });
  const fields = ['gamma', 'beta', 'movingMean', 'movingVariance'];
  return ofEachChannel(constants, { weights: fields.map((field) => ({ field, inputAxis: 0 })) });
}

/** A kernel `[h, w, in, multiplier]`: output channel `c · multiplier + m` is made of input channel c alone. */
async function depthwise(layer: tf.layers.Layer): Promise<Passing> {
  const kernel = (await numbersOf(layer, 'depthwiseKernel'))!;
  const { depthMultiplier: multiplier = 1, activation, ...fields } = fieldsOf(layer);
  const bias = await numbersOf(layer, 'bias');
  const outputs = fields['depthwiseKernel'] as { readonly shape: readonly number[] };
  const { sum, any } = tapSums(kernel, outputs.shape[2]! * multiplier);
  const isEverywhere = padsNothing(fieldsOf(layer));
  return {
    kind: 'passing',
    sources: (j) => [[0, Math.floor(j / multiplier)]],
    constants: ([x]) => {
      const made = sum.map((total, j) => {
        const value = x![Math.floor(j / multiplier)]!;
        const adds = any[j] === 0 || value === 0 ? 0 : isEverywhere ? value * total : NaN;
        return adds + (bias?.[j] ?? 0);
      });
      return activation ? applied(made, (values) => activation.apply(values)) : made;
    },
    isZero: (j) => any[j] === 0,
    weights: [
      { field: 'depthwiseKernel', inputAxis: 2 },
      { field: 'bias', inputAxis: 0, perInput: multiplier },
    ],
  };
}

function concatenate(inputs: readonly Value[], axis: number): Passing | null {
  const rank = inputs[0]!.shape.length;
  const isLast = axis === -1 || axis === rank - 1;
  if (!isLast) return allAlike(inputs) ? ofEachChannel(equals, { inputs: inputs.length }) : null;
  const places = inputs.flatMap(({ channels }, i) =>
    Array.from({ length: channels }, (_, c) => [i, c] as const),
  );
  return {
    kind: 'passing',
    sources: (j) => [places[j]!],
    constants: (given) => Float64Array.from(given.flatMap((values) => [...values])),
    weights: [],
  };
}

const MERGES: Readonly<Record<string, (values: readonly number[]) => number>> = {
  Add: (values) => values.reduce((sum, value) => sum + value, 0),
  Average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  Maximum: (values) => Math.max(...values),
  Minimum: (values) => Math.min(...values),
  Multiply: (values) => (values.includes(0) ? 0 : values.reduce((product, value) => product * value, 1)),
};

function merge(className: string, inputs: readonly Value[], output: Value): Passing | null {
  const isAlike = allAlike([...inputs, output]);
  if (!isAlike) return null;
  const of = MERGES[className]!;
  return ofEachChannel((given) => given[0]!.map((_, c) => Math.fround(of(given.map((x) => x[c]!)))), {
    inputs: inputs.length,
  });
}

/** Whether all have as many axes, and channels: then none is spread over the channels of another. */
function allAlike(values: readonly Value[]): boolean {
  const [first] = values;
  return values.every(
    ({ shape, channels }) => shape.length === first!.shape.length && channels === first!.channels,
  );
}

function equals(given: readonly Constants[]): Constants {
  return given[0]!.map((value, c) => (given.every((x) => x[c] === value) ? value : NaN));
}
