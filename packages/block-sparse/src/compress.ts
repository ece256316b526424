/**
 * From a pruned model to one that stores and computes with its kept blocks alone, and back.
 *
 * A model is rewritten through its own serialisation: the topology with other classes in the places of the pruned
 * layers, built anew, and every weight carried over. So the result has the graph of the original, however it is
 * nested, and saves and loads as any model does. The original stays as it is.
 *
 * A serialisation holds what is shared within one model; a layer that two models inside it share is written into each.
 */
import { type BlockPattern, denseOf, type PatternText, patternText, valuesOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { plannedKernels } from './compression-plan.js';
import type { HowToCompress } from './how-to-compress.js';
import { NO_CHECKSUM } from './layers/layer-checksum.js';
import { blockSparseClassName, plainClassName, storedKernels } from './layers/block-sparse-layer.js';
import { layerJsons, topologyOf, type LayerJson } from './model-json.js';
import { layersOf } from './nested-layers.js';
import { assertModel, assertRebuildable, assertRebuilt } from './rebuildable.js';

/**
 * A copy of the model with block-sparse layers in the places of those that have blocks of zeros. It predicts the
 * same; compiled, it trains, the kept weights alone; it is saved and loaded as any other. It is not compiled. In the
 * place of a layer that two models inside it share there is one in each, of equal weights.
 *
 * @param model finalised, or loaded from a file
 * @param how where the blocks lie: the report of `pruning.finalize()`, or the block shape of all kernels; found by
 *   the zeros when absent
 * @throws TypeError for arguments of other types; Error for a model that is still under pruning; RangeError for a report of
 *   another model, or of one that was trained since, and for a model of which a copy would compute something else
 */
export async function compress(model: tf.LayersModel, how?: HowToCompress): Promise<tf.LayersModel> {
  const planned = await plannedKernels(model, how, 'compress()');
  const json = await topologyOf(model);
  const layers = new Map(layerJsons(json));
  for (const { kernel, path, plan } of planned) {
    if (typeof plan === 'string') continue;
    const layer = layers.get(path)!;
    const patterns = layer.config['blockSparse'] as Record<string, PatternText> | undefined;
    if (!patterns) layer.class_name = blockSparseClassName(layer.class_name);
    layer.config['blockSparse'] = { ...patterns, [kernel.field]: patternText(plan) };
    // Its weights come from the model, not from a file.
    layer.config['checksum'] = NO_CHECKSUM;
  }
  return rebuilt(model, json);
}

/**
 * A copy of the model with plain layers in the places of the block-sparse ones: the weights that were compressed,
 * to the bit, a zero for each that was left out. It is not compiled.
 *
 * @param model as `compress` made it, or as it was loaded
 * @throws TypeError for what is no model, RangeError for one of which a copy would compute something else
 */
export async function decompress(model: tf.LayersModel): Promise<tf.LayersModel> {
  assertModel(model, 'decompress()');
  assertRebuildable(model);
  const json = await topologyOf(model);
  for (const [, layer] of layerJsons(json)) {
    const plain = plainClassName(layer.class_name);
    if (!plain) continue;
    layer.class_name = plain;
    delete layer.config['block_sparse'];
    delete layer.config['checksum'];
  }
  return rebuilt(model, json);
}

/** A model of this topology with the weights of a model whose topology differs in how kernels are stored. */
async function rebuilt(model: tf.LayersModel, topology: LayerJson): Promise<tf.LayersModel> {
  const copy = await tf.models.modelFromJSON(
    topology as unknown as Parameters<typeof tf.models.modelFromJSON>[0],
  );
  try {
    assertRebuilt(model, copy);
    await carryOver(model, copy);
  } catch (error) {
    copy.dispose();
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
  for (const [i, weight] of from.weights.entries()) {
    const [source, target] = [weight, to.weights[i]!].map(variableOf) as [tf.Variable, tf.Variable];
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

/** The variable that a weight of a layer trains. */
function variableOf(weight: tf.LayerVariable): tf.Variable {
  return (weight as unknown as { val: tf.Variable }).val;
}
