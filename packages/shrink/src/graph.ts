/** What a model computes, call by call, with the models inside it taken apart: a layer that is used twice has two calls. */
import * as tf from '@tensorflow/tfjs';

type Shape = readonly (number | null)[];

/** A tensor that a call takes or makes. */
export interface Value {
  readonly shape: Shape;
  /** Length of the last axis; 0 where it has none, or one of any length. */
  readonly channels: number;
  /** The number of its first channel among all channels of the graph; the others follow. */
  readonly first: number;
}

export interface Call {
  readonly layer: tf.layers.Layer;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export interface Graph {
  /** Each after those whose outputs it takes. */
  readonly calls: readonly Call[];
  readonly values: readonly Value[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Channels of all values. */
  readonly channels: number;
}

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

export function graphOf(model: tf.LayersModel): Graph {
  const calls: Call[] = [];
  const values: Value[] = [];
  let channels = 0;
  const made = (shape: Shape): Value => {
    const value = { shape, channels: shape.length > 1 ? (shape.at(-1) ?? 0) : 0, first: channels };
    channels += value.channels;
    values.push(value);
    return value;
  };
  const called = (layer: tf.LayersModel, inputs: readonly Value[]): readonly Value[] => {
    const container = containerOf(layer);
    const known = new Map<tf.SymbolicTensor, Value>();
    container.inputs.forEach((tensor, i) => {
      assertAsBuilt(layer, tensor.shape, inputs[i]!.shape);
      known.set(tensor, inputs[i]!);
    });
    // From the inputs on, in the order in which tfjs itself computes.
    const depths = Object.keys(container.nodesByDepth).map(Number);
    for (const node of depths.sort((a, b) => b - a).flatMap((depth) => container.nodesByDepth[depth]!)) {
      const { outboundLayer: inner, outputTensors } = node;
      const given = node.inputTensors.map((tensor) => known.get(tensor)!);
      if (inner instanceof tf.LayersModel) {
        const results = called(inner, given);
        outputTensors.forEach((tensor, i) => known.set(tensor, results[i]!));
        continue;
      }
      const outputs = outputTensors.map(({ shape }) => made(shape));
      calls.push({ layer: inner, inputs: given, outputs });
      outputTensors.forEach((tensor, i) => known.set(tensor, outputs[i]!));
    }
    return container.outputs.map((tensor) => known.get(tensor)!);
  };
  const inputs = model.inputs.map(({ shape }) => made(shape));
  const outputs = called(model, inputs);
  return { calls, values, inputs, outputs, channels };
}

/** @throws RangeError for a model that is given other lengths than it was built for: what its layers make is another then */
function assertAsBuilt({ name }: tf.LayersModel, built: Shape, given: Shape): void {
  const isSame = built.every(
    (length, i) => i === 0 || [length, given[i]].includes(null) || length === given[i],
  );
  if (isSame && built.length === given.length) return;
  throw new RangeError(
    `${name} is built for inputs of shape [${built.join()}], and used on [${given.join()}]: ` +
      'make it anew, or its input of lengths that are null, and shrink that',
  );
}

/** A sequential model keeps another, which it builds when it is first asked for. */
function containerOf(model: tf.LayersModel): Container {
  if (!(model instanceof tf.Sequential)) return model as unknown as Container;
  const outer = model as unknown as { model: Container | null };
  if (!outer.model) model.build();
  return outer.model!;
}

/** Every layer of a model and of the models inside it, by its path there: the names from the outside in. */
export function* layerPaths(
  model: tf.LayersModel,
  path = '',
): Generator<[path: string, layer: tf.layers.Layer]> {
  for (const layer of model.layers) {
    const own = [path, layer.name].filter(Boolean).join('/');
    yield [own, layer];
    if (layer instanceof tf.LayersModel) yield* layerPaths(layer, own);
  }
}
