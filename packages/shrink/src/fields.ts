/** What we use of tfjs' layers that it does not declare. */
import * as tf from '@tensorflow/tfjs';

export interface LayerFields {
  readonly activation?: Activation | null;
  readonly axis?: number;
  readonly bias?: tf.LayerVariable | null;
  readonly depthMultiplier?: number;
  readonly epsilon?: number;
  readonly kernelSize?: readonly number[];
  readonly padding?: 'valid' | 'same' | 'causal' | readonly (readonly number[])[];
  readonly [field: string]: unknown;
}

interface Activation {
  apply(x: tf.Tensor): tf.Tensor;
  getClassName(): string;
}

export const fieldsOf = (layer: tf.layers.Layer) => layer as unknown as LayerFields;

/** The variable of a weight; null where the layer has none. */
export function variableOf(layer: tf.layers.Layer, field: string): tf.Variable | null {
  const weight = fieldsOf(layer)[field] as { readonly val: tf.Variable } | null | undefined;
  return weight?.val ?? null;
}

/**
 * The numbers of a weight; null where the layer has none.
 *
 * @throws RangeError where one is not finite, so that zeros beside it tell nothing
 */
export async function numbersOf(layer: tf.layers.Layer, field: string): Promise<tf.TypedArray | null> {
  const numbers = (await variableOf(layer, field)?.data()) ?? null;
  const at = numbers?.findIndex((value: number) => !Number.isFinite(value)) ?? -1;
  if (at < 0) return numbers;
  throw new RangeError(
    `${layer.name}/${field} has ${numbers![at]} among its weights: what a model computes with that is no number, ` +
      'and no smaller one computes the same. Take the weights of before it diverged',
  );
}

/** A function of tensors, of numbers. */
export async function applied(values: Float64Array, f: (x: tf.Tensor2D) => tf.Tensor): Promise<Float64Array> {
  // What varies is left out: what backends make of a NaN differs.
  const given = Float32Array.from(values, (value) => (Number.isNaN(value) ? 0 : value));
  const result = tf.tidy(() => f(tf.tensor2d(given, [1, given.length])).clone());
  const numbers = await result.data();
  result.dispose();
  return values.map((value, i) => (Number.isNaN(value) ? NaN : numbers[i]!));
}
