/** What a model applies last to what it puts out. */
import type * as tf from '@tensorflow/tfjs';

/** A layer, as far as we look into it. */
interface Layer {
  readonly inboundNodes?: readonly { readonly inputTensors: readonly tf.SymbolicTensor[] }[];
  /** Of a model that is a layer of another. */
  readonly outputs?: readonly tf.SymbolicTensor[];
  getClassName(): string;
  getConfig(): Record<string, unknown>;
}

/** They put out the values that they are given. */
const PASSING = ['Reshape', 'Flatten', 'Permute', 'Dropout'];

/** @returns its name, in lower camel case, such as `softmax`; `linear` where it is none, or is not known */
export function outputActivation(model: tf.LayersModel): string {
  return activationOf(model.outputs[0]);
}

function activationOf(output: tf.SymbolicTensor | undefined): string {
  if (!output) return 'linear';
  const layer = output.sourceLayer as unknown as Layer;
  if (layer.outputs) return activationOf(layer.outputs[output.outputTensorIndex ?? 0]);
  const kind = layer.getClassName();
  if (kind === 'Softmax') return 'softmax';
  if (PASSING.includes(kind)) return activationOf(layer.inboundNodes?.[output.nodeIndex]?.inputTensors[0]);
  const { activation } = layer.getConfig();
  return typeof activation === 'string' ? activation : 'linear';
}
