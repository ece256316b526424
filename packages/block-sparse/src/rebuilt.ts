/** A model built anew by a topology that differs from its own in how kernels are stored, with all its weights. */
import { type BlockPattern, denseOf, valuesOf } from '@espalier/blocks';
import { assertRebuilt } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { storedKernels, variableOf, weightsBesideScales } from './layers/stored-kernels.js';
import type { LayerJson } from './model-json.js';
import { layersOf } from './nested-layers.js';

/** A model of this topology with the weights of a model whose topology differs in how kernels are stored. */
export async function rebuilt(model: tf.LayersModel, topology: LayerJson): Promise<tf.LayersModel> {
  const copy = await tf.models.modelFromJSON(
    topology as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );
  try {
    assertRebuilt(model, copy, { weightsOf: weightsBesideScales });
    await carryOver(model, copy);
  } catch (error) {
    // Its own dispose() keeps the weights of a layer that is used several times.
    for (const weight of copy.weights) weight.dispose();
    throw error;
  }
  const metadata = model.getUserDefinedMetadata();
  if (metadata) copy.setUserDefinedMetadata(metadata);
  return copy;
}

/** Carries the weights of a layer over to its counterpart, layer by layer where it is a model. */
async function carryOver(from: tf.layers.Layer, to: tf.layers.Layer): Promise<void> {
  const inner = layersOf(from);
  if (inner) {
    for (const layer of inner)
      await carryOver(
        layer,
        layersOf(to)!.find(({ name }) => name === layer.name)!,
      );
    // A topology tells it of layers, not of the models among them.
    if (!from.trainable) to.trainable = false;
    return;
  }
  const targets = weightsBesideScales(to);
  for (const [i, weight] of weightsBesideScales(from).entries()) {
    const [source, target] = [weight, targets[i]!].map(variableOf) as [tf.Variable, tf.Variable];
    const read = await source.data();
    const values = converted(read, patternOfWeight(from, source), patternOfWeight(to, target));
    // Assigned, not written by the layer: that applies its constraints once more.
    tf.tidy(() => target.assign(tf.tensor(values, target.shape, target.dtype)));
  }
}

/** From the storage by one pattern to that by another; those of a weight that is whole in both, or in neither, are one. */
function converted(
  values: tf.TypedArray,
  from: BlockPattern | undefined,
  to: BlockPattern | undefined,
): tf.TypedArray {
  if (from?.size === to?.size) return values;
  const dense = from ? denseOf(values, from) : values;
  return to ? valuesOf(dense, to) : dense;
}

/** The pattern that a weight of a layer is stored by; undefined for one that is whole. */
function patternOfWeight(layer: tf.layers.Layer, variable: tf.Variable): BlockPattern | undefined {
  const kernels = storedKernels(layer)?.kernels.values() ?? [];
  return [...kernels].find(({ values }) => variableOf(values) === variable)?.pattern;
}
