/** What the tests of this package share: random patterns and tensors from a seed, masked dense kernels, tolerances. */
import { type BlockPattern, patternOf } from '@espalier/blocks';
import { allKernels, blockFits, blockGrid, matrixShape } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
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

/** A matrix, a block that fits into it, and a mask: all kept, none, one, or a share of them. */
export const patterns: fc.Arbitrary<BlockPattern> = fc
  .record({
    block: fc.constantFrom(
      [1, 1],
      [4, 4],
      [5, 5],
      [8, 4],
      [10, 10],
      [3, 7],
      [16, 16],
      [20, 20],
      [32, 32],
      [64, 64],
    ),
    rows: fc.double({ min: 1, max: 3.5, noNaN: true }),
    columns: fc.double({ min: 1, max: 3.5, noNaN: true }),
    kept: fc.constantFrom('all', 'none', 'one', 'some'),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
  })
  .map(({ block, rows, columns, kept, seed }) => {
    const [blockRows, blockColumns] = block as [number, number];
    const matrix = [Math.floor(blockRows * rows), Math.floor(blockColumns * columns)] as const;
    return patternKeeping(matrix, [blockRows, blockColumns], kept, seed);
  });

export function patternKeeping(
  matrix: readonly [number, number],
  block: readonly [number, number],
  kept: string,
  seed: number,
): BlockPattern {
  const grid = blockGrid(matrix, block);
  const keeps: Record<string, (index: number) => boolean> = {
    all: () => true,
    none: () => false,
    one: (index) => index === seed % grid.blocks,
    some: (index) => random[index]! > 0.2,
  };
  const random = randomValues(grid.blocks, seed);
  return patternOf(
    grid,
    Uint8Array.from({ length: grid.blocks }, (_, index) => Number(keeps[kept]!(index))),
  );
}

/** Convolutions of all geometries that tfjs takes, over small images, with a pattern for the filter. */
export const convolutions = fc
  .record({
    batch: fc.constantFrom(1, 2),
    size: fc.tuple(fc.integer({ min: 5, max: 9 }), fc.integer({ min: 5, max: 9 })),
    channels: fc.constantFrom(1, 3, 4),
    filters: fc.constantFrom(4, 6),
    filter: fc.constantFrom([1, 1], [3, 3], [2, 3], [5, 5]),
    strides: fc.constantFrom([1, 1], [2, 2], [1, 3]),
    dilations: fc.constantFrom([1, 1], [2, 1]),
    pad: fc.constantFrom('same' as const, 'valid' as const, 1),
    block: fc.constantFrom([1, 4], [2, 3]),
    kept: fc.constantFrom('all', 'none', 'one', 'some'),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
  })
  .filter(
    // tfjs takes strides or dilations, not both, and a filter that fits.
    ({ strides, dilations, filter, channels, size }) =>
      (strides.every((stride) => stride === 1) || dilations.every((dilation) => dilation === 1)) &&
      filter[0]! * filter[1]! * channels > 1 &&
      (filter[0]! - 1) * dilations[0]! < size[0],
  )
  .map(({ batch, size, channels, filters, filter, block, kept, seed, ...options }) => {
    const filterShape = [...filter, channels, filters] as [number, number, number, number];
    const strides = options.strides as [number, number];
    const dilations = options.dilations as [number, number];
    return {
      inputShape: [batch, ...size, channels] as [number, number, number, number],
      filterShape,
      options: { strides, dilations, pad: options.pad },
      pattern: patternKeeping(
        [filter[0]! * filter[1]! * channels, filters],
        block as [number, number],
        kept,
        seed,
      ),
    };
  });

export type ConvolutionCase = typeof convolutions extends fc.Arbitrary<infer T> ? T : never;

/** The mask of the weights `[n, m]`, made from the definition: each weight's own block, looked up. */
export function weightMask(pattern: BlockPattern): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  const mask = pattern.mask();
  const across = Math.ceil(m / blockColumns);
  const ofWeight = Float32Array.from({ length: n * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    return mask[Math.floor(i / blockRows) * across + Math.floor(j / blockColumns)]!;
  });
  return tf.tensor2d(ofWeight, [n, m]);
}

/** The values of a matrix at the kept blocks, by the definition of their order. */
export function blocksOf(matrix: ArrayLike<number>, { grid, pointers, indices }: BlockPattern): number[] {
  const [n, m] = grid.matrixShape;
  const [blockRows, blockColumns] = grid.blockShape;
  const values: number[] = [];
  for (let row = 0; row < grid.gridShape[0]; row++) {
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++) {
      for (let i = row * blockRows; i < Math.min(n, (row + 1) * blockRows); i++) {
        const left = indices[at]! * blockColumns;
        for (let j = left; j < Math.min(m, left + blockColumns); j++) values.push(matrix[i * m + j]!);
      }
    }
  }
  return values;
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

/** The gradients of a scalar function by central differences of each of its inputs, in order. */
export function finiteDifferences(f: (...inputs: tf.Tensor[]) => tf.Scalar, inputs: tf.Tensor[]): number[][] {
  const step = 1e-2;
  return inputs.map((input, which) => {
    const values = input.dataSync();
    return Array.from(values, (_, at) => {
      const moved = (by: number) =>
        tf.tidy(() => {
          const changed = Float32Array.from(values);
          changed[at]! += by;
          return f(...inputs.map((x, i) => (i === which ? tf.tensor(changed, x.shape) : x))).dataSync()[0]!;
        });
      return (moved(step) - moved(-step)) / (2 * step);
    });
  });
}

/** Runs in a tidy and fails if a tensor is left over. */
export function withoutLeaks(run: () => void): void {
  const before = tf.memory().numTensors;
  tf.tidy(run);
  expect(tf.memory().numTensors).toBe(before);
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
