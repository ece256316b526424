/** A perceptron over embeddings of tokens, as networks for clicks are. */
import { aSeed, assertOptions, listOf, required, wholeNumber } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { denseLayers } from './multilayer-perceptron.js';

export interface EmbeddingPerceptronSettings {
  /** Tokens of an example. */
  readonly fields: number;
  /** How many tokens there are: rows of the table, which all fields share. */
  readonly tokens: number;
  /** Length of an embedding. */
  readonly size: number;
  /** Units of each hidden layer. */
  readonly hidden: readonly number[];
  /** Units of the last layer, which is linear. */
  readonly outputs: number;
  /** Fixes every initial weight: the same on every backend. */
  readonly seed: number;
}

/** Keras' own for embeddings. */
const EMBEDDING_BOUND = 0.05;

/**
 * Takes tokens `[batch, fields]`, int32 from 0 and under `tokens`. A field whose tokens are its own has them behind those
 * of the fields before it. The embeddings, a layer `embedding` whose table starts uniform in ±0.05, stand side by side
 * as inputs of the layers of a `multilayerPerceptron`: `dense_1`, `dense_2`, ….
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function embeddingPerceptron(settings: EmbeddingPerceptronSettings): tf.LayersModel {
  assertOptions('embeddingPerceptron()', settings, {
    fields: required(wholeNumber()),
    tokens: required(wholeNumber()),
    size: required(wholeNumber()),
    hidden: required(listOf(wholeNumber(), "a list of the hidden layers' units, such as [400, 400, 400]")),
    outputs: required(wholeNumber()),
    seed: required(aSeed),
  });
  const { fields, tokens, size, hidden, outputs, seed } = settings;
  const input = tf.input({ shape: [fields], dtype: 'int32', name: 'tokens' });
  const embedding = tf.layers.embedding({
    name: 'embedding',
    inputDim: tokens,
    outputDim: size,
    inputLength: fields,
    embeddingsInitializer: tf.initializers.randomUniform({
      minval: -EMBEDDING_BOUND,
      maxval: EMBEDDING_BOUND,
      // Apart from the perceptron's seeds, which are whole numbers from 1.
      seed: -1 - seed,
    }),
  });
  const dense = denseLayers([fields * size, ...hidden, outputs], { seed, useBias: true });
  const layers = [embedding, tf.layers.flatten({ name: 'flatten' }), ...dense];
  return tf.model({
    name: 'embedding_perceptron',
    inputs: input,
    outputs: layers.reduce<tf.SymbolicTensor>((x, layer) => layer.apply(x) as tf.SymbolicTensor, input),
  });
}
