/** A model built anew, by its own serialisation, with the channels that stay. */
import { assertRebuilt } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { fieldsOf, variableOf } from './fields.js';
import { layerPaths, type Value } from './graph.js';
import type { Plan, Use } from './plan.js';

/** The topology of a model as `model.toJSON` gives it, in the naming of Keras. */
interface LayerJson {
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

/** The fields that differ then. */
const REWRITTEN: ReadonlySet<string> = new Set([
  ...['units', 'filters', 'outputDim', 'useBias', 'bias', 'batchInputShape'],
]);

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
  const copy = await tf.models.modelFromJSON(
    topology as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );
  try {
    const weightsOf = (layer: tf.layers.Layer) =>
      layer.weights.filter((weight) => weight !== fieldsOf(layer).bias);
    assertRebuilt(model, copy, { weightsOf, fields: REWRITTEN });
    const copies = new Map(layerPaths(copy));
    for (const [path, layer] of places) carryOver(layer, copies.get(path)!, uses.get(layer), plan);
  } catch (error) {
    copy.dispose();
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
  if (form.kind === 'mixing' && !form.hasBias && plan.bias(use)) config['use_bias'] = true;
  const shape = config.batch_input_shape;
  const [given] = inputs.length > 0 ? inputs : outputs;
  if (shape && given!.channels > 0) shape[shape.length - 1] = plan.kept(given!).length;
}

function carryOver(from: tf.layers.Layer, to: tf.layers.Layer, use: Use | undefined, plan: Plan): void {
  if (from instanceof tf.LayersModel) {
    // A topology tells it of layers, not of the models among them.
    if (!from.trainable) to.trainable = false;
    return;
  }
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
