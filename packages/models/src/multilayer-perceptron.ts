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
  const sizes = [inputs, ...hidden, outputs];
  const layerCount = sizes.length - 1;
  return tf.sequential({
    // Of tfjs' own count of models otherwise: what is saved would depend on what was made before.
    name: 'multilayer_perceptron',
    layers: sizes.slice(1).map((units, i) => {
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
        ...(i === 0 ? { inputShape: [inputs] } : {}),
        ...(i < hidden.length ? { activation: 'relu' as const } : {}),
        kernelInitializer: uniform(0),
        biasInitializer: uniform(1),
      });
    }),
  });
}
