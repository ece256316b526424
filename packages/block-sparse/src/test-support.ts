/** What the tests of this package share: random tensors from a seed, models with zeros, saved models, tolerances. */
import { blockFits, blockGrid, matrixShape } from '@espalier/blocks';
import { allKernels } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

/** `count` numbers from −1 to 1, the same for the same seed (mulberry32). */
export function randomValues(count: number, seed = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  });
}

export function randomTensor<T extends tf.Tensor = tf.Tensor2D>(shape: readonly number[], seed = 1): T {
  return tf.tensor(randomValues(tf.util.sizeFromShape([...shape]), seed), [...shape]) as T;
}

/** Each value within `tolerance` of the largest magnitude that is expected, at least 1. */
export function expectClose(actual: tf.Tensor, expected: tf.Tensor | number[], tolerance = 1e-4): void {
  const wanted = Array.isArray(expected) ? expected : Array.from(expected.dataSync());
  if (!Array.isArray(expected)) expect(actual.shape).toEqual(expected.shape);
  const got = actual.dataSync();
  expect(got.length).toBe(wanted.length);
  const scale = wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
  wanted.forEach((value, at) => {
    const off = Math.abs(got[at]! - value);
    // Written so that NaN fails too.
    if (!(off <= tolerance * scale)) expect.fail(`element ${at} is ${got[at]}, expected ${value}`);
  });
}

/** A model's artefacts as a file would hold them: both parts as text and bytes. */
export interface Saved {
  modelJson: string;
  weights: Uint8Array;
}

/** What `model.save` writes to a folder: `model.json` and `weights.bin`. */
export async function saved(model: tf.LayersModel): Promise<Saved> {
  let written: Saved | undefined;
  await model.save(
    tf.io.withSaveHandler(async ({ weightData, weightSpecs, ...topology }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      written = {
        modelJson: JSON.stringify({ ...topology, weightsManifest }),
        weights: new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)),
      };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  return written!;
}

/** `tf.loadLayersModel` of what `saved` gave. */
export async function loaded({ modelJson, weights }: Saved): Promise<tf.LayersModel> {
  const { weightsManifest, ...topology } = JSON.parse(modelJson) as tf.io.ModelJSON;
  return tf.loadLayersModel(
    tf.io.fromMemory({
      ...topology,
      weightSpecs: weightsManifest.flatMap((group) => group.weights),
      weightData: weights.slice().buffer,
    }),
  );
}

/** Replaces the weights of a model: random, with about `sparsity` of each kernel's blocks zero. */
export function fillBlockSparse(
  model: tf.LayersModel,
  block: readonly [number, number],
  sparsity: number,
  seed = 1,
): void {
  const kernels = new Map(allKernels(model).map((kernel) => [kernel.variable, kernel]));
  for (const [i, { val: variable }] of (model.weights as unknown as { val: tf.Variable }[]).entries()) {
    const values = randomValues(variable.size, seed + i);
    const kernel = kernels.get(variable);
    const matrix = kernel && matrixShape(variable.shape, kernel.kind);
    if (matrix && blockFits(matrix, block)) {
      const grid = blockGrid(matrix, block);
      const scores = randomValues(grid.blocks, seed + 100 + i);
      for (let at = 0; at < values.length; at++) {
        const row = Math.floor(Math.floor(at / matrix[1]) / block[0]);
        const column = Math.floor((at % matrix[1]) / block[1]);
        if (scores[row * grid.gridShape[1] + column]! < 2 * sparsity - 1) values[at] = 0;
      }
    }
    // Variances are not negative.
    if (variable.name.includes('variance')) values.forEach((value, at) => (values[at] = Math.abs(value)));
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
  }
}

/** The bits of every weight of a model. */
export function weightBits(model: tf.LayersModel): number[][] {
  return model.getWeights().map((weight) => [...new Uint32Array(weight.dataSync().slice().buffer)]);
}
