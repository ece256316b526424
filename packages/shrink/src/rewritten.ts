/** A model built anew, by its own serialisation, with the channels that stay. */
import { assertRebuilt } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { fieldsOf, variableOf } from './fields.js';
import { layerPaths, type Value } from './graph.js';
import type { Plan, Use } from './plan.js';

/** The topology of a model as `model.toJSON` gives it, in the naming of Keras. */
interface LayerJson {
  readonly class_name: string;
  readonly config: {
    readonly name?: string;
    readonly layers?: readonly LayerJson[];
    batch_input_shape?: (number | null)[];
    [field: string]: unknown;
  };
}

/** A weight, whose variable tfjs does not declare. */
interface Held {
  readonly val: tf.Variable;
}

/** In which configuration a layer keeps how many channels it makes. */
const WIDTHS: Readonly<Record<string, string>> = {
  Dense: 'units',
  Embedding: 'output_dim',
  Conv1D: 'filters',
  Conv2D: 'filters',
  Conv3D: 'filters',
  Conv2DTranspose: 'filters',
  Conv3DTranspose: 'filters',
  SeparableConv2D: 'filters',
};

/** The fields that differ then, of a layer that is rewritten. */
function fieldsRewritten(layer: tf.layers.Layer, use: Use | undefined): ReadonlySet<string> {
  if (!use || use.form.kind === 'whole') return new Set();
  const width = WIDTHS[layer.getClassName()];
  if (!width) return new Set(['batchInputShape']);
  return new Set([width === 'output_dim' ? 'outputDim' : width, 'useBias', 'bias', 'batchInputShape']);
}

export async function rewritten(model: tf.LayersModel, plan: Plan): Promise<tf.LayersModel> {
  const uses = new Map(plan.uses.map((use) => [use.layer, use]));
  // On webgpu nothing is read from the device but asynchronously; layers may put what they hold into a topology.
  await Promise.all(model.weights.map((weight) => weight.read().data()));
  const topology = model.toJSON(null, false) as unknown as LayerJson;
  const places = new Map(layerPaths(model));
  for (const [path, { config }] of layerJsons(topology)) {
    const use = uses.get(places.get(path)!);
    if (use && use.form.kind !== 'whole') rewrite(config, use, plan);
  }
  startAtZeros(topology);
  const copy = await tf.models.modelFromJSON(
    topology as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );
  try {
    // One that had no bias may have got one.
    const weightsOf = (layer: tf.layers.Layer) =>
      layer.weights.filter((weight) => !WIDTHS[layer.getClassName()] || weight !== fieldsOf(layer).bias);
    assertRebuilt(model, copy, { weightsOf, fieldsOf: (layer) => fieldsRewritten(layer, uses.get(layer)) });
    for (const [from, to] of counterparts(model, copy)) carryOverFields(from, to);
    const copies = new Map(layerPaths(copy));
    for (const [path, layer] of places) carryOver(layer, copies.get(path)!, uses.get(layer), plan);
  } catch (error) {
    // Its own dispose() keeps the weights of a layer that is used several times.
    for (const weight of copy.weights) weight.dispose();
    throw error;
  }
  const metadata = model.getUserDefinedMetadata();
  if (metadata) copy.setUserDefinedMetadata(metadata);
  return copy;
}

function rewrite(config: LayerJson['config'], use: Use, plan: Plan): void {
  const { layer, form, calls } = use;
  const [{ inputs, outputs }] = calls as [Use['calls'][number]];
  const width = WIDTHS[layer.getClassName()];
  if (width) config[width] = plan.kept(outputs[0]!).length;
  if (form.kind === 'mixing' && plan.bias(use)) config['use_bias'] = true;
  const shape = config.batch_input_shape;
  const [given] = inputs.length > 0 ? inputs : outputs;
  if (shape && given!.channels > 0) shape[shape.length - 1] = plan.kept(given!).length;
}

/** What a topology does not tell, or told otherwise while the copy was made. */
function carryOverFields(from: tf.layers.Layer, to: tf.layers.Layer): void {
  // It tells whether layers train, not whether models do.
  if (from instanceof tf.LayersModel && !from.trainable) to.trainable = false;
  if (!INITIALISED.has(from.getClassName())) return;
  for (const [field, value] of Object.entries(from)) {
    if (field.endsWith('Initializer')) (to as unknown as Record<string, unknown>)[field] = value;
  }
}

/** Fields, and configurations, in which tfjs keeps layers inside layers. */
const NESTED = [
  ...['layers', 'layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells'],
  ...['forward_layer', 'backward_layer'],
] as const;

/** A layer and its copy, and all inside them. */
function* counterparts(
  from: tf.layers.Layer,
  to: tf.layers.Layer,
): Generator<[from: tf.layers.Layer, to: tf.layers.Layer]> {
  yield [from, to];
  for (const field of NESTED) {
    const [own, its] = [from, to].map((layer) => [fieldsOf(layer)[field] ?? []].flat() as tf.layers.Layer[]);
    // Layers have their names again, cells do not.
    for (const [i, layer] of own!.entries()) {
      yield* counterparts(layer, its!.find(({ name }) => name === layer.name) ?? its![i]!);
    }
  }
}

/** tfjs' layers of which initialisers make the weights, and nothing else. */
const INITIALISED: ReadonlySet<string> = new Set([
  ...[
    'Dense',
    'Embedding',
    'Conv1D',
    'Conv2D',
    'Conv3D',
    'Conv2DTranspose',
    'Conv3DTranspose',
    'SeparableConv2D',
  ],
  ...['DepthwiseConv2D', 'SimpleRNN', 'SimpleRNNCell', 'LSTM', 'LSTMCell', 'GRU', 'GRUCell', 'ConvLSTM2D'],
  ...['ConvLSTM2DCell', 'BatchNormalization', 'LayerNormalization', 'PReLU'],
]);

/**
 * Zeros for first weights, which the model's own take the places of: others take seconds to make, as orthogonal ones of
 * wide recurrent kernels, or are of a shape alone, as an identity.
 */
function startAtZeros({ class_name: className, config }: LayerJson): void {
  for (const field of INITIALISED.has(className) ? Object.keys(config) : []) {
    if (field.endsWith('_initializer') && config[field]) config[field] = { class_name: 'Zeros', config: {} };
  }
  for (const field of NESTED) {
    for (const nested of [config[field] ?? []].flat() as LayerJson[]) startAtZeros(nested);
  }
}

function carryOver(from: tf.layers.Layer, to: tf.layers.Layer, use: Use | undefined, plan: Plan): void {
  if (from instanceof tf.LayersModel) return;
  if (!use || use.form.kind === 'whole') {
    const [sources, targets] = [from, to].map(({ weights }) =>
      weights.map((weight) => weight as unknown as Held),
    );
    sources!.forEach(({ val }, i) => targets![i]!.val.assign(val));
    return;
  }
  const { weights } = use.form;
  const [{ inputs, outputs }] = use.calls as [Use['calls'][number]];
  const kept = (value: Value, perChannel = 1) =>
    plan.kept(value).flatMap((c) => Array.from({ length: perChannel }, (_, i) => c * perChannel + i));
  tf.tidy(() => {
    // Assigned, not written by the layer: that applies its constraints once more.
    for (const { field, inputAxis, perInput, outputAxis } of weights) {
      let weight: tf.Tensor | null = variableOf(from, field);
      if (!weight) continue;
      if (inputAxis !== undefined) weight = taken(weight, kept(inputs[0]!, perInput), inputAxis);
      if (outputAxis !== undefined) weight = taken(weight, kept(outputs[0]!), outputAxis);
      variableOf(to, field)!.assign(weight);
    }
    const bias = plan.bias(use);
    if (bias) variableOf(to, 'bias')!.assign(taken(tf.tensor1d(bias), kept(outputs[0]!), 0));
  });
}

/** These entries of an axis; the tensor itself where that is all. */
function taken(value: tf.Tensor, entries: readonly number[], axis: number): tf.Tensor {
  if (entries.length === value.shape[axis]) return value;
  return value.gather(tf.tensor1d(Int32Array.from(entries), 'int32'), axis);
}

function* layerJsons(container: LayerJson, path = ''): Generator<[path: string, layer: LayerJson]> {
  for (const layer of container.config.layers ?? []) {
    const own = [path, layer.config.name].filter(Boolean).join('/');
    yield [own, layer];
    yield* layerJsons(layer, own);
  }
}
