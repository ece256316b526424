/**
 * From a pruned model to one that stores and computes with its kept blocks alone, and back.
 *
 * A model is rewritten through its own serialisation: the topology with other classes in the places of the pruned
 * layers, built anew, and every weight carried over. So the result has the graph of the original, however it is
 * nested, and saves and loads as any model does. The original stays as it is.
 *
 * A serialisation holds what is shared within one model; a layer that two models inside it share is written into each.
 */
import { patternText } from '@espalier/blocks';
import { assertModel, assertRebuildable } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { plannedKernels } from './compression-plan.js';
import type { HowToCompress } from './how-to-compress.js';
import { blockSparseClassName, plainClassName } from './layers/block-sparse-layer.js';
import { cellJsons, kernelHolders, layerJsons, topologyOf, type LayerJson } from './model-json.js';
import { saveQuantized, type QuantizedSaveConfig } from './quantize/save.js';
import { rebuilt } from './rebuilt.js';

/** A compressed model, whose kernels are saved in fewer bits where that is asked for. */
export interface CompressedModel extends tf.LayersModel {
  save(handlerOrURL: tf.io.IOHandler | string, config?: QuantizedSaveConfig): Promise<tf.io.SaveResult>;
}

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
 *
 * @example
 * ```ts
 * import { compress } from '@espalier/block-sparse';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 8, inputShape: [8], name: 'dense' })] });
 * const oneBlock = tf.ones([4, 4]).pad([[0, 4], [0, 4]]); // of four of 4 × 4, one is not zero
 * model.setWeights([oneBlock, tf.zeros([8])]);
 *
 * const small = await compress(model, { blockShape: [4, 4] });
 * console.log(model.countParams(), small.countParams()); // 72 24
 * ```
 */
export async function compress(model: tf.LayersModel, how?: HowToCompress): Promise<CompressedModel> {
  const planned = await plannedKernels(model, how, 'compress()');
  const json = await topologyOf(model);
  const holders = new Map(kernelHolders(json, blockSparseClassName));
  for (const { kernel, path, plan } of planned) {
    if (typeof plan !== 'string') holders.get(path)!.store(kernel.field, patternText(plan));
  }
  const small = await rebuilt(model, json);
  return Object.assign(small, { save: saveOf(small) });
}

function saveOf(model: tf.LayersModel): CompressedModel['save'] {
  const whole = model.save.bind(model);
  return (handler, config = {}) =>
    config.quantize === undefined ? whole(handler, config) : saveQuantized(model, handler, config);
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
  for (const [path, layer] of layerJsons(json)) {
    if (layer.class_name === 'BlockSparseRNN') cellJsons(layer, path).forEach(([, cell]) => makePlain(cell));
    makePlain(layer);
  }
  return rebuilt(model, json);
}

function makePlain(layer: LayerJson): void {
  const plain = plainClassName(layer.class_name);
  if (!plain) return;
  layer.class_name = plain;
  delete layer.config['block_sparse'];
  delete layer.config['checksum'];
}
