/** A trial that has been trained, as measures find it. What several of them need is made once. */
import { compress } from '@espalier/block-sparse';
import { multiplyAdds, type MultiplyAdds, type PruningReport } from '@espalier/core';
import type { Workload, WorkloadData, WorkloadDefaults } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import { disposeTensors, toTensors } from './stream.js';
import type { SearchRecord, Trial } from './trial.js';

export interface TrainedModel {
  readonly trial: Trial;
  readonly workload: Workload;
  readonly data: WorkloadData;
  /** A plain model with its final weights. */
  readonly model: tf.LayersModel;
  /** Null for the dense baseline, and where training diverged. */
  readonly report: PruningReport | null;
  readonly steps: number;
  /** Wall time of the steps. */
  readonly elapsedMs: number;
  /** What the search did; null for the dense baseline. */
  readonly search: SearchRecord | null;
  /** What choosing took, of the wall time; null for the dense baseline. */
  readonly choosingMs: number | null;
  /** Peak resident memory of training, where the trial has a process of its own. */
  readonly peakMemoryBytes: number | null;
  /** Peak of what tfjs had allocated on the device; null where there is no device with memory of its own. */
  readonly peakGpuMemoryBytes: number | null;
}

/** What `model.save` writes, in bytes. */
export interface SavedSize {
  /** `model.json` and the weights. */
  readonly savedBytes: number;
  readonly weightBytes: number;
  /** The weights, gzipped. */
  readonly gzipBytes: number;
}

const PREDICTIONS = 15;
/**
 * A time is of so many ticks of the clock, so that it is right to a twentieth: a page's clock goes by tenths of a
 * millisecond or more, in which several predictions are made; Node's goes by less than a prediction takes.
 */
const TICKS = 20;
const MOST_TOGETHER = 4096;

export interface FinishedRun extends TrainedModel {
  /** The pruned model with block-sparse layers; null for the dense baseline. */
  compressed(): Promise<tf.LayersModel | null>;
  /** In its kernels; null where a length is free. */
  multiplyAdds(): MultiplyAdds | null;
  savedSize(model: tf.LayersModel): Promise<SavedSize>;
  /** Median wall time of predicting as many examples as training has on the device at a time, in milliseconds. */
  predictMs(model: tf.LayersModel): Promise<number>;
  /** Disposes what was made for measuring; the model is its owner's. */
  dispose(): Promise<void>;
}

export function finishedRun(trained: TrainedModel): FinishedRun {
  const { model, report, data, workload } = trained;
  const sizes = new Map<tf.LayersModel, Promise<SavedSize>>();
  let ofKernels: MultiplyAdds | null | undefined;
  let compressed: Promise<tf.LayersModel | null> | undefined;
  return {
    ...trained,
    compressed: () => (compressed ??= report ? compress(model, report) : Promise.resolve(null)),
    multiplyAdds: () => (ofKernels === undefined ? (ofKernels = multiplyAdds(model, report)) : ofKernels),
    savedSize(model) {
      const size = sizes.get(model) ?? savedSize(model);
      sizes.set(model, size);
      return size;
    },
    predictMs: (model) => predictMs(model, data, atATime(workload.defaults)),
    async dispose() {
      (await compressed?.catch(() => null))?.dispose();
    },
  };
}

/** As many examples as training has on the device at a time. */
function atATime({ batchSize, microBatchSize = batchSize }: WorkloadDefaults): number {
  return Math.min(batchSize, microBatchSize);
}

async function predictMs(model: tf.LayersModel, { test }: WorkloadData, batchSize: number): Promise<number> {
  const count = Math.min(batchSize, test.count);
  const indices = Int32Array.from({ length: count }, (_, i) => i);
  const tensors = toTensors(test, await test.gather(indices), 0, count);
  const inputs = [...tensors.inputs];
  const predict = async () => {
    // Whole: by itself, tfjs cuts a batch into pieces of 32.
    const outputs = model.predict(inputs, { batchSize: count }) as tf.Tensor;
    await outputs.data();
    outputs.dispose();
  };
  const times: number[] = [];
  try {
    const tick = clockTick();
    let together = 1;
    while (times.length < PREDICTIONS) {
      const started = performance.now();
      for (let i = 0; i < together; i++) await predict();
      const passed = performance.now() - started;
      if (passed < TICKS * tick && together < MOST_TOGETHER) together *= 2;
      else times.push(passed / together);
    }
  } finally {
    disposeTensors(tensors);
  }
  return times.sort((a, b) => a - b)[Math.floor(PREDICTIONS / 2)] as number;
}

/** The least by which the clock moves on, in milliseconds. */
function clockTick(): number {
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    const from = performance.now();
    let now = from;
    while (now === from) now = performance.now();
    least = Math.min(least, now - from);
  }
  return least;
}

async function savedSize(model: tf.LayersModel): Promise<SavedSize> {
  let weights = new Uint8Array();
  let json = '';
  const handler = tf.io.withSaveHandler(async ({ weightData, ...description }) => {
    weights = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData));
    json = JSON.stringify(description);
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  return {
    savedBytes: new TextEncoder().encode(json).byteLength + weights.byteLength,
    weightBytes: weights.byteLength,
    gzipBytes: await gzipBytes(weights),
  };
}

async function gzipBytes(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const zipped = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return (await new Response(zipped).arrayBuffer()).byteLength;
}
