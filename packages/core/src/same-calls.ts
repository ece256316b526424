/**
 * Whether a copy that was made of a model's configuration calls its layers as the model does. There, calls of one layer have
 * numbers, and tfjs (4.22) makes a later one first where it can: the copy then takes one for the other.
 */
import * as tf from '@tensorflow/tfjs';

/** What we use of tfjs' models that it does not declare. */
interface Container {
  readonly inputs: readonly tf.SymbolicTensor[];
  readonly outputs: readonly tf.SymbolicTensor[];
  readonly nodesByDepth: Readonly<Record<string, readonly Node[]>>;
}

interface Node {
  readonly outboundLayer: tf.layers.Layer;
  readonly inputTensors: readonly tf.SymbolicTensor[];
  readonly outputTensors: readonly tf.SymbolicTensor[];
}

/** Whether what goes out is made by the same calls of the same layers, by name; models inside are layers here. */
export function hasSameCalls(model: tf.LayersModel, copy: tf.LayersModel): boolean {
  // Its layers follow one another.
  if (model instanceof tf.Sequential) return true;
  const numbers = new Map<string, number>();
  const [outputs, others] = [model, copy].map((each) => outputsOf(each as unknown as Container, numbers));
  return outputs!.join() === others!.join();
}

/** @param numbers of calls by layer and inputs: it gets those that are new */
function outputsOf({ inputs, outputs, nodesByDepth }: Container, numbers: Map<string, number>): string[] {
  const made = new Map(inputs.map((tensor, i) => [tensor, `input ${i}`]));
  const depths = Object.keys(nodesByDepth).map(Number);
  // From the inputs on.
  for (const node of depths.sort((a, b) => b - a).flatMap((depth) => nodesByDepth[depth]!)) {
    const { outboundLayer, inputTensors, outputTensors } = node;
    if (outputTensors.every((tensor) => made.has(tensor))) continue;
    const call = JSON.stringify([outboundLayer.name, ...inputTensors.map((tensor) => made.get(tensor))]);
    const number = numbers.get(call) ?? numbers.size;
    numbers.set(call, number);
    outputTensors.forEach((tensor, i) => made.set(tensor, `${number} ${i}`));
  }
  return outputs.map((tensor) => made.get(tensor)!);
}
