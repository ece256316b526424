/** A multilayer perceptron: dense layers with ReLU between them. */
import { aSeed, assertOptions, listOf, required, trueOrFalse, wholeNumber } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

export interface MultilayerPerceptronSettings {
  readonly inputs: number;
  /** Units of each hidden layer; none, for a linear model. */
  readonly hidden: readonly number[];
  /** Units of the last layer, which is linear. */
  readonly outputs: number;
  /** Fixes every initial weight: the same on every backend. */
  readonly seed: number;
  readonly useBias?: boolean;
}

/**
 * Layers are called `dense_1`, `dense_2`, …. Kernels and biases start uniform in `±1/√inputs`, as PyTorch's
 * `nn.Linear` does, so that results compare with those of PyTorch programs.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function multilayerPerceptron(settings: MultilayerPerceptronSettings): tf.Sequential {
  assertOptions('multilayerPerceptron()', settings, {
    inputs: required(wholeNumber()),
    hidden: required(listOf(wholeNumber(), "a list of the hidden layers' units, such as [512, 512]")),
    outputs: required(wholeNumber()),
    seed: required(aSeed),
    useBias: trueOrFalse,
  });
  const { inputs, hidden, outputs, seed, useBias = true } = settings;
  return tf.sequential({
    // Of tfjs' own count of models otherwise: what is saved would depend on what was made before.
    name: 'multilayer_perceptron',
    layers: denseLayers([inputs, ...hidden, outputs], { seed, useBias, inputShape: [inputs] }),
  });
}

interface DenseLayersSettings {
  readonly seed: number;
  readonly useBias: boolean;
  /** Of the first layer, where it is the model's first; absent where others come before. */
  readonly inputShape?: readonly number[];
}

/** @param sizes of what goes in, and of each layer's units */
export function denseLayers(
  sizes: readonly number[],
  { seed, useBias, inputShape }: DenseLayersSettings,
): tf.layers.Layer[] {
  const layerCount = sizes.length - 1;
  return sizes.slice(1).map((units, i) => {
    const bound = 1 / Math.sqrt(sizes[i] as number);
    const uniform = (part: number) =>
      tf.initializers.randomUniform({
        minval: -bound,
        maxval: bound,
        seed: 2 * (seed * layerCount + i) + part + 1,
      });
    return tf.layers.dense({
      name: `dense_${i + 1}`,
      units,
      useBias,
      ...(i === 0 && inputShape ? { inputShape: [...inputShape] } : {}),
      ...(i < layerCount - 1 ? { activation: 'relu' as const } : {}),
      kernelInitializer: uniform(0),
      biasInitializer: uniform(1),
    });
  });
}
