/** How fast models predict on this device, in turns, so that what else the device does befalls them alike. */
import type { Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

/** A model as the files that tfjs writes. */
export interface ModelFiles {
  readonly modelJson: Uint8Array;
  readonly weights: Uint8Array<ArrayBuffer>;
}

const ROUNDS = 25;
/** A time is of so many milliseconds: a page's clock goes by a tenth of one, or by a whole one. */
const SHORTEST = 4;

/**
 * @param seed by which the examples are made, where they are
 * @returns the median time in milliseconds of predicting as many test examples as a batch has, model by model
 */
export async function predictionTimes(
  files: readonly ModelFiles[],
  workload: Workload,
  seed: number,
): Promise<number[]> {
  const models = await Promise.all(files.map(loaded));
  const input = await batchOf(workload, seed);
  try {
    const runs = await Promise.all(models.map((model) => runOf(model, input)));
    const times: number[][] = runs.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, run] of runs.entries()) times[i]!.push(await run());
    }
    return times.map((list) => list.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!);
  } finally {
    input.dispose();
    for (const model of models) model.dispose();
  }
}

function loaded({ modelJson, weights }: ModelFiles): Promise<tf.LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(
    new TextDecoder().decode(modelJson),
  ) as tf.io.ModelJSON;
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  return tf.loadLayersModel(
    tf.io.fromMemory({ modelTopology, weightSpecs, weightData: weights.slice().buffer }),
  );
}

async function batchOf(workload: Workload, seed: number): Promise<tf.Tensor> {
  const data = await workload.load({ seed, dataFolder: '' });
  const { test } = data;
  const count = Math.min(workload.defaults.batchSize, test.count);
  const { inputs } = await test.gather(Array.from({ length: count }, (_, i) => i));
  return tf.tensor(inputs[0]!, [count, ...test.inputs[0]!.shape]);
}

/** One time: of as many predictions as take long enough. */
async function runOf(model: tf.LayersModel, input: tf.Tensor): Promise<() => Promise<number>> {
  const predict = async () => {
    const output = model.predict(input, { batchSize: input.shape[0]! }) as tf.Tensor;
    await output.data();
    output.dispose();
  };
  const time = async (count: number) => {
    const started = performance.now();
    for (let i = 0; i < count; i++) await predict();
    return performance.now() - started;
  };
  let count = 1;
  while ((await time(count)) < SHORTEST) count *= 2;
  return async () => (await time(count)) / count;
}
