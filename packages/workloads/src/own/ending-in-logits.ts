/** Models that end in probabilities, as trained for use, made to end in logits, as the loss of classification takes. */
import { anInstance, assertArgument } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

/** What we use of a layer that tfjs does not declare. */
interface OpenLayer {
  activation?: unknown;
  readonly inboundNodes: readonly { readonly inputTensors: readonly tf.SymbolicTensor[] }[];
}

const PROBABILITIES = ['softmax', 'sigmoid'];

/**
 * The model without the softmax or sigmoid that it ends in, as a last layer or as the last layer's activation, which is
 * taken out of it in place; the model itself where it ends in neither.
 *
 * @throws TypeError for what is no layers model
 */
export function endingInLogits(model: tf.LayersModel): tf.LayersModel {
  assertArgument('endingInLogits()', 'model', model, anInstance(tf.LayersModel, 'a tf.LayersModel'));
  const last = model.layers.at(-1) as tf.layers.Layer;
  const { activation } = last.getConfig();
  const open = last as unknown as OpenLayer;
  if (last.getClassName() === 'Softmax' || isProbability(last, activation)) {
    const [input] = open.inboundNodes[0]?.inputTensors ?? [];
    return tf.model({ inputs: model.inputs, outputs: input as tf.SymbolicTensor });
  }
  if (!PROBABILITIES.includes(String(activation))) return model;
  open.activation = (tf.layers.activation({ activation: 'linear' }) as unknown as OpenLayer).activation;
  return model;
}

function isProbability(layer: tf.layers.Layer, activation: unknown): boolean {
  return layer.getClassName() === 'Activation' && PROBABILITIES.includes(String(activation));
}
