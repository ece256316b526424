/** What is measured on a trained model beside its quality: support recovery, time to predict, size. */
import { gzipSync } from 'node:zlib';

import { compress } from '@espalier/block-sparse';
import { layerKernels, type PruningReport } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { WorkloadData } from '../workload.js';
import { gatherTensors } from './evaluate.js';

/** Share of the true weights that the trained model's blocks keep; null where the truth is not known. */
export async function supportRecovery(
  model: tf.LayersModel,
  { truth }: WorkloadData,
): Promise<number | null> {
  if (!truth) return null;
  let planted = 0;
  let recovered = 0;
  for (const [name, weights] of Object.entries(truth)) {
    const kernel = layerKernels(model).find((candidate) => candidate.name === name);
    if (!kernel) throw new Error(`The workload knows the truth of ${name}, which the model does not have`);
    const values = await kernel.variable.data();
    weights.forEach((value, i) => {
      if (value === 0) return;
      planted += 1;
      if (values[i] !== 0) recovered += 1;
    });
  }
  return recovered / planted;
}

const PREDICTIONS = 15;

/** Median wall time of predicting one batch, in milliseconds. */
export async function predictMs(
  model: tf.LayersModel,
  { test }: WorkloadData,
  batchSize: number,
): Promise<number> {
  const count = Math.min(batchSize, test.count);
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const { inputs, targets } = gatherTensors(test, indices);
  const times: number[] = [];
  for (let i = 0; i < PREDICTIONS; i++) {
    const started = performance.now();
    // Whole: by itself, tfjs cuts a batch into pieces of 32.
    const outputs = model.predict(inputs, { batchSize: count }) as tf.Tensor;
    await outputs.data();
    times.push(performance.now() - started);
    outputs.dispose();
  }
  tf.dispose([inputs, targets]);
  return times.sort((a, b) => a - b)[Math.floor(PREDICTIONS / 2)] as number;
}

/** What `model.save` writes, in bytes. */
export interface SavedSize {
  /** `model.json` and the weights. */
  readonly savedBytes: number;
  readonly weightBytes: number;
  /** The weights, gzipped. */
  readonly gzipBytes: number;
}

export async function savedSize(model: tf.LayersModel): Promise<SavedSize> {
  let weights = new Uint8Array();
  let json = '';
  const handler = tf.io.withSaveHandler(async ({ weightData, ...description }) => {
    weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
    json = JSON.stringify(description);
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  return {
    savedBytes: Buffer.byteLength(json) + weights.byteLength,
    weightBytes: weights.byteLength,
    gzipBytes: gzipSync(weights).byteLength,
  };
}

/** What a pruned model comes to as a block-sparse one. */
export interface BlockSparseMeasures {
  readonly savedBytes: number;
  readonly predictMs: number;
}

export async function blockSparseMeasures(
  model: tf.LayersModel,
  report: PruningReport,
  data: WorkloadData,
  batchSize: number,
): Promise<BlockSparseMeasures> {
  const compressed = await compress(model, report);
  try {
    const { savedBytes } = await savedSize(compressed);
    return { savedBytes, predictMs: await predictMs(compressed, data, batchSize) };
  } finally {
    compressed.dispose();
  }
}
