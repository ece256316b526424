/**
 * Models saved with their kernels in fewer bits, as files that `tf.loadLayersModel` reads: once loaded, weights are float32
 * again, and everything is as it was but for the rounding.
 */
import { assertKnownOptions } from '@espalier/blocks';
import { assertModel, assertRebuildable } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { handlerOf } from '../files/handler.js';
import { bytesOfWeights } from '../files/weight-bytes.js';
import { NO_CHECKSUM } from '../layers/layer-checksum.js';
import { camelCase, variableOf } from '../layers/stored-kernels.js';
import { storedJsons, topologyOf } from '../model-json.js';
import { rebuilt } from '../rebuilt.js';
import { encode, encodeByBlock, type Encoded, type Precision } from './encode.js';
import { plannedWeights, type HowToQuantize, type PlannedWeight } from './plan.js';

export interface QuantizedSaveConfig extends tf.io.SaveConfig {
  readonly quantize?: HowToQuantize;
}

/**
 * Saves a model, compressed or not, with its kernels in fewer bits. The checksums of block-sparse layers are those of the
 * rounded weights.
 *
 * @param handler a handler of tfjs, or a URL or path that tfjs has one for
 * @param config what `model.save` takes, but for `includeOptimizer`, and `quantize`; uint8 when that is absent
 * @throws TypeError for arguments of other types; RangeError for precisions and names that there are not, and weights that a
 *   precision does not hold
 */
export async function saveQuantized(
  model: tf.LayersModel,
  handler: tf.io.IOHandler | string,
  config: QuantizedSaveConfig = {},
): Promise<tf.io.SaveResult> {
  const of = 'saveQuantized()';
  assertModel(model, of);
  assertKnownOptions(config, ['quantize', 'trainableOnly', 'includeOptimizer'], of);
  if (config.includeOptimizer) {
    throw new RangeError(
      `${of}: a file in fewer bits is for predictions, and holds no optimizer: save({ includeOptimizer: true }) without quantize`,
    );
  }
  const { save } = handlerOf(handler, of);
  if (!save) throw new TypeError(`${of} takes a handler that saves: this one has load() alone`);
  const { trainableOnly = false, quantize = 'uint8' } = config;
  return save(await quantizedArtifacts(model, quantize, of, trainableOnly));
}

/** What a file of the model would hold. */
export async function quantizedArtifacts(
  model: tf.LayersModel,
  how: HowToQuantize,
  of: string,
  trainableOnly = false,
): Promise<tf.io.ModelArtifacts> {
  assertRebuildable(model);
  const copy = await rebuilt(model, await topologyFor(model, plannedWeights(model, how, of)));
  try {
    const codes = new Map<tf.Variable, Encoded>();
    for (const planned of plannedWeights(copy, how, of)) await round(planned, codes);
    let artifacts!: tf.io.ModelArtifacts;
    await copy.save(
      tf.io.withSaveHandler(async (given) => {
        artifacts = given;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
      { trainableOnly },
    );
    const weights = trainableOnly ? copy.trainableWeights : copy.weights;
    return inFewerBits(
      artifacts,
      weights.map((weight) => codes.get(variableOf(weight))),
    );
  } finally {
    copy.dispose();
  }
}

/** The model's topology, with scales where blocks have a range each, and no checksums: the weights are to be others. */
async function topologyFor(model: tf.LayersModel, planned: readonly PlannedWeight[]) {
  const json = await topologyOf(model);
  const byBlock = new Set(
    planned.filter(({ quantization }) => quantization === 'uint8-block').map(({ name }) => name),
  );
  for (const [path, stored] of storedJsons(json)) {
    stored.checksum = NO_CHECKSUM;
    for (const [field, pattern] of Object.entries(stored.block_sparse)) {
      if (byBlock.has(`${path}/${camelCase(field)}`)) pattern.range_per_block = true;
      else delete pattern.range_per_block;
    }
  }
  return json;
}

/** Encodes a weight of the copy, and gives it the numbers that will be decoded. */
async function round(
  { name, variable, quantization, stored }: PlannedWeight,
  codes: Map<tf.Variable, Encoded>,
): Promise<void> {
  if (quantization === 'float32') return;
  const values = Float32Array.from(await variable.data());
  const byBlock = quantization === 'uint8-block' ? encodeByBlock(values, stored!.pattern, name) : null;
  const encoded = byBlock ?? encode(values, quantization as Exclude<Precision, 'float32'>, name);
  codes.set(variable, encoded);
  const spec = { name, shape: variable.shape, dtype: 'float32' as const, quantization: encoded.quantization };
  const { [name]: decoded } = tf.io.decodeWeights(encoded.bytes.slice().buffer, [spec]);
  variable.assign(decoded!);
  decoded!.dispose();
  // Assigned, not written: written, they would be multiplied into the values.
  if (byBlock) tf.tidy(() => variableOf(stored!.scales!).assign(tf.tensor1d(byBlock.scales)));
}

function inFewerBits(
  artifacts: tf.io.ModelArtifacts,
  codes: readonly (Encoded | undefined)[],
): tf.io.ModelArtifacts {
  const bytes = bytesOfWeights(artifacts).map((whole, i) => codes[i]?.bytes ?? whole.bytes);
  const weightSpecs = artifacts.weightSpecs!.map((spec, i) =>
    codes[i] ? { ...spec, quantization: codes[i].quantization } : spec,
  );
  const weightData = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    weightData.set(part, at);
    at += part.length;
  }
  return { ...artifacts, weightSpecs, weightData: weightData.buffer };
}
