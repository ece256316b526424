/** Layers whose kernel makes each output channel of all input channels. */
import * as tf from '@tensorflow/tfjs';

import { applied, fieldsOf, numbersOf, variableOf, type LayerFields } from './fields.js';
import type { Constants, CutWeight, Mixing } from './forms.js';

/** @returns null for a layer that has no such kernel */
export async function mixingForm(layer: tf.layers.Layer): Promise<Mixing | null> {
  switch (layer.getClassName()) {
    case 'Dense':
      return dense(layer);
    case 'Conv1D':
    case 'Conv2D':
    case 'Conv3D':
      return convolution(layer, false);
    case 'Conv2DTranspose':
    case 'Conv3DTranspose':
      return convolution(layer, true);
    case 'SeparableConv2D':
      return separable(layer);
    case 'Embedding':
      return embedding(layer);
    default:
      return null;
  }
}

type Products = Pick<Mixing, 'inputs' | 'outputs' | 'reaches' | 'sum'>;

async function dense(layer: tf.layers.Layer): Promise<Mixing> {
  const kernel = (await numbersOf(layer, 'kernel'))!;
  const [inputs, outputs] = variableOf(layer, 'kernel')!.shape as [number, number];
  const weight = (c: number, j: number) => kernel[c * outputs + j]!;
  const products = { inputs, outputs, reaches: (c: number, j: number) => weight(c, j) !== 0, sum: weight };
  return mixing(layer, products, true, [{ field: 'kernel', inputAxis: 0, outputAxis: 1 }]);
}

/** Of kernels `[…taps, in, out]`, and transposed `[…taps, out, in]`. */
async function convolution(layer: tf.layers.Layer, isTransposed: boolean): Promise<Mixing> {
  const { shape } = variableOf(layer, 'kernel')!;
  const [before, last] = shape.slice(-2) as [number, number];
  const [inputs, outputs] = isTransposed ? [last, before] : [before, last];
  const sums = tapSums((await numbersOf(layer, 'kernel'))!, before * last);
  const at = isTransposed
    ? (c: number, j: number) => j * inputs + c
    : (c: number, j: number) => c * outputs + j;
  const [inputAxis, outputAxis] = [shape.length - 2, shape.length - 1];
  const axes = isTransposed ? { inputAxis: outputAxis, outputAxis: inputAxis } : { inputAxis, outputAxis };
  const products = {
    ...{ inputs, outputs },
    reaches: (c: number, j: number) => sums.any[at(c, j)] === 1,
    sum: (c: number, j: number) => sums.sum[at(c, j)]!,
  };
  const isEverywhere = !isTransposed && padsNothing(fieldsOf(layer));
  return mixing(layer, products, isEverywhere, [{ field: 'kernel', ...axes }]);
}

/** A depthwise kernel `[h, w, in, multiplier]`, and a pointwise one `[1, 1, in · multiplier, out]` over what it makes. */
async function separable(layer: tf.layers.Layer): Promise<Mixing> {
  const [, , inputs, multiplier] = variableOf(layer, 'depthwiseKernel')!.shape as [
    number,
    number,
    number,
    number,
  ];
  const outputs = variableOf(layer, 'pointwiseKernel')!.shape.at(-1)!;
  const depthwise = tapSums((await numbersOf(layer, 'depthwiseKernel'))!, inputs * multiplier);
  const pointwise = (await numbersOf(layer, 'pointwiseKernel'))!;
  const between = (c: number) => Array.from({ length: multiplier }, (_, m) => c * multiplier + m);
  const products = {
    ...{ inputs, outputs },
    reaches: (c: number, j: number) =>
      between(c).some((d) => depthwise.any[d] === 1 && pointwise[d * outputs + j] !== 0),
    sum: (c: number, j: number) =>
      between(c).reduce((total, d) => total + depthwise.sum[d]! * pointwise[d * outputs + j]!, 0),
  };
  return mixing(layer, products, padsNothing(fieldsOf(layer)), [
    { field: 'depthwiseKernel', inputAxis: 2 },
    { field: 'pointwiseKernel', inputAxis: 2, perInput: multiplier, outputAxis: 3 },
  ]);
}

async function embedding(layer: tf.layers.Layer): Promise<Mixing> {
  const [rows, outputs] = variableOf(layer, 'embeddings')!.shape as [number, number];
  const numbers = (await numbersOf(layer, 'embeddings'))!;
  const constants = Float64Array.from({ length: outputs }, (_, j) => {
    for (let row = 1; row < rows; row++) if (numbers[row * outputs + j] !== numbers[j]) return NaN;
    return numbers[j]!;
  });
  const products = { inputs: 0, outputs, reaches: () => false, sum: () => 0 };
  const form = await mixing(layer, products, true, [{ field: 'embeddings', outputAxis: 1 }]);
  return { ...form, constants };
}

async function mixing(
  layer: tf.layers.Layer,
  products: Products,
  isEverywhere: boolean,
  kernels: readonly CutWeight[],
): Promise<Mixing> {
  const bias = await numbersOf(layer, 'bias');
  const { activation } = fieldsOf(layer);
  const name = activation?.getClassName() ?? 'linear';
  const whole = isOfEachChannel(name) ? null : `its activation, ${name}, is one of all of its units together`;
  return {
    kind: 'mixing',
    ...products,
    isEverywhere,
    bias: bias ?? new Float32Array(products.outputs),
    hasBias: bias !== null,
    activate: (values: Constants) =>
      Promise.resolve(activation ? applied(values, (x) => activation.apply(x)) : values),
    whole,
    weights: kernels,
  };
}

/** Over the taps of a kernel `[taps, entries]`: the sum of each entry, and whether any is not zero. */
export function tapSums(kernel: ArrayLike<number>, entries: number): { sum: Float64Array; any: Uint8Array } {
  const [sum, any] = [new Float64Array(entries), new Uint8Array(entries)];
  for (let i = 0; i < kernel.length; i++) {
    const weight = kernel[i]!;
    if (weight === 0) continue;
    sum[i % entries]! += weight;
    any[i % entries] = 1;
  }
  return { sum, any };
}

/** Whether a convolution sees nothing but its input: what it makes of a constant is constant, up to the border. */
export function padsNothing({ padding, kernelSize = [] }: LayerFields): boolean {
  return padding === 'valid' || kernelSize.every((size) => size === 1);
}

/** Activations that are functions of one number. */
const OF_EACH: ReadonlySet<string> = new Set([
  ...['linear', 'relu', 'relu6', 'elu', 'selu', 'gelu', 'gelu_new', 'mish', 'swish'],
  ...['sigmoid', 'hardSigmoid', 'softplus', 'softsign', 'tanh'],
]);

export function isOfEachChannel(activation: string): boolean {
  return OF_EACH.has(activation);
}
