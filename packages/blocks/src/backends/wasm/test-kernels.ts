// What the wasm kernels must do, for the two builds to be held to: with plain SIMD and with relaxed. The reference is
// the masked dense computation by tfjs' own ops, on tfjs' cpu backend.

import '@tensorflow/tfjs-backend-wasm';
import { blockGrid } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, beforeAll, expect, it } from 'vitest';

import {
  blockSparseMatMul,
  blockSparseWeightGradient,
  blockValuesDot,
  col2im,
  gatherBlocks,
  im2col,
  scaleBlockValues,
  scatterBlocks,
} from '../ops.js';
import { convolutionInfo, patchesShape } from '../convolution-info.js';
import { patternOf, type BlockPattern } from '../pattern.js';
import { blocksOf, randomTensor, randomValues, weightMask, withoutLeaks } from '../test-support.js';

/** Blocks of every size: those that fill a tile of registers, those that do not, and the whole matrix. */
const wasmPatterns: fc.Arbitrary<BlockPattern> = fc
  .record({
    // Half of the widths are whole vectors, which have a way of their own.
    matrix: fc.tuple(
      fc.integer({ min: 1, max: 90 }),
      fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constantFrom(16, 40, 64, 88)),
    ),
    block: fc.oneof(
      fc.constantFrom(1, 4, 5, 8, 10, 16, 20, 24, 32, 64).map((side) => [side, side] as const),
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
      fc.constant([90, 90] as const),
    ),
    density: fc.constantFrom(0, 0.1, 0.5, 1),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
  })
  .map(({ matrix, block, density, seed }) => {
    const grid = blockGrid(matrix, [Math.min(matrix[0], block[0]), Math.min(matrix[1], block[1])]);
    const random = randomValues(grid.blocks, seed);
    return patternOf(
      grid,
      Uint8Array.from(random, (value) => Number(value < 2 * density - 1)),
    );
  });

/** Full panels of eight examples, half panels, parts of both, and more than are packed at a time. */
const batches = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 128), fc.integer({ min: 0, max: 300 }));

/** One result with its reference; `magnitude` is the same with every operand's absolute value: what rounding is relative to. */
interface Case {
  readonly actual: () => tf.Tensor;
  readonly expected: () => tf.Tensor;
  readonly magnitude: () => tf.Tensor;
}

function check(
  makeCase: (pattern: BlockPattern, batch: number, seed: number) => Case,
  numRuns: number,
): void {
  fc.assert(
    fc.property(wasmPatterns, batches, fc.integer({ min: 1, max: 1e6 }), (pattern, batch, seed) =>
      withoutLeaks(() => compare(makeCase(pattern, batch, seed))),
    ),
    { numRuns },
  );
}

function compare({ actual, expected, magnitude }: Case): void {
  const got = actual();
  const [wanted, scale] = onCpu(() => [expected(), magnitude()]) as [tf.Tensor, tf.Tensor];
  expect(got.shape).toEqual(wanted.shape);
  const [a, b, size] = [got.dataSync(), wanted.dataSync(), scale.dataSync()];
  for (let i = 0; i < b.length; i++) {
    // Written so that NaN fails too.
    if (!(Math.abs(a[i]! - b[i]!) <= 1e-5 * size[i]! + 1e-30))
      expect.fail(`element ${i}: ${a[i]}, not ${b[i]}`);
  }
}

/** Runs ops on tfjs' cpu backend; it is there, and ready. */
function onCpu<T>(run: () => T): T {
  tf.setBackend('cpu');
  try {
    return run();
  } finally {
    tf.setBackend('wasm');
  }
}

function denseOf(values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  const dense = new Float32Array(pattern.matrixShape[0] * pattern.matrixShape[1]);
  const numbers = blocksOf(
    Float32Array.from(dense, (_, i) => i),
    pattern,
  );
  const data = values.dataSync();
  numbers.forEach((at, i) => (dense[at] = data[i]!));
  return tf.tensor2d(dense, [...pattern.matrixShape]);
}

/** a · b by tfjs, which refuses empty matrices. */
function matMul(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const shape = [a.shape[0], b.shape[1]] as [number, number];
  return a.size === 0 || b.size === 0 ? tf.zeros(shape) : tf.matMul(a, b);
}

function valuesAt(pattern: BlockPattern, matrix: tf.Tensor2D): tf.Tensor1D {
  return tf.tensor1d(blocksOf(matrix.dataSync(), pattern), 'float32');
}

/** Registers the tests of every kernel, to run on the wasm backend. */
export function itComputesWhatMaskedDenseOnesDo(): void {
  beforeAll(async () => {
    await tf.setBackend('cpu');
    await tf.setBackend('wasm');
  });
  afterEach(() => expect(tf.getBackend()).toBe('wasm'));

  it('x · W, with bias and ReLU', () => {
    check((pattern, batch, seed) => {
      const [n, m] = pattern.matrixShape;
      const x = randomTensor([batch, n], seed);
      const values = randomTensor<tf.Tensor1D>([pattern.size], seed + 1);
      const bias = randomTensor<tf.Tensor1D>([m], seed + 2);
      const withBias = seed % 2 === 0;
      const dense = denseOf(values, pattern);
      const product = (a: tf.Tensor2D, w: tf.Tensor2D, b: tf.Tensor1D) =>
        withBias ? matMul(a, w).add<tf.Tensor2D>(b) : matMul(a, w);
      return {
        actual: () =>
          blockSparseMatMul(x, values, pattern, {
            ...(withBias && { bias }),
            activation: seed % 3 === 0 ? 'relu' : 'linear',
          }),
        expected: () => (seed % 3 === 0 ? product(x, dense, bias).relu() : product(x, dense, bias)),
        magnitude: () => product(x.abs(), dense.abs(), bias.abs()),
      };
    }, 150);
  });

  it('x · Wᵀ', () => {
    check((pattern, batch, seed) => {
      const x = randomTensor([batch, pattern.matrixShape[1]], seed);
      const values = randomTensor<tf.Tensor1D>([pattern.size], seed + 1);
      const dense = denseOf(values, pattern);
      return {
        actual: () => blockSparseMatMul(x, values, pattern, { transposed: true }),
        expected: () => matMul(x, dense.transpose()),
        magnitude: () => matMul(x.abs(), dense.abs().transpose()),
      };
    }, 150);
  });

  it('xᵀ · dy at the kept blocks', () => {
    check((pattern, batch, seed) => {
      const [n, m] = pattern.matrixShape;
      const [x, dy] = [randomTensor([batch, n], seed), randomTensor([batch, m], seed + 1)];
      return {
        actual: () => blockSparseWeightGradient(x, dy, pattern),
        expected: () => valuesAt(pattern, matMul(x.transpose(), dy)),
        magnitude: () => valuesAt(pattern, matMul(x.abs().transpose(), dy.abs())),
      };
    }, 150);
  });

  it('gathering and scattering', () => {
    check((pattern, _, seed) => {
      const matrix = randomTensor(pattern.matrixShape, seed);
      const masked = matrix.mul<tf.Tensor2D>(weightMask(pattern));
      return {
        actual: () => scatterBlocks(gatherBlocks(matrix, pattern), pattern),
        expected: () => masked,
        magnitude: () => tf.zerosLike(masked),
      };
    }, 60);
    check((pattern, _, seed) => {
      const matrix = randomTensor(pattern.matrixShape, seed);
      return {
        actual: () => gatherBlocks(matrix, pattern),
        expected: () => valuesAt(pattern, matrix),
        magnitude: () => tf.zeros([pattern.size]),
      };
    }, 60);
  });

  it('a factor for each block, and inner products over each', () => {
    check((pattern, _, seed) => {
      const values = randomTensor<tf.Tensor1D>([pattern.size], seed);
      const scale = randomTensor<tf.Tensor2D>(pattern.grid.gridShape, seed + 1).relu<tf.Tensor2D>();
      return {
        actual: () => scaleBlockValues(values, scale, pattern),
        expected: () => valuesAt(pattern, denseOf(values, pattern).mul(spread(scale, pattern))),
        magnitude: () => values.abs(),
      };
    }, 60);
    check((pattern, _, seed) => {
      const [a, b] = [
        randomTensor<tf.Tensor1D>([pattern.size], seed),
        randomTensor<tf.Tensor1D>([pattern.size], seed + 1),
      ];
      return {
        actual: () => blockValuesDot(a, b, pattern),
        expected: () => blockSums(denseOf(a, pattern).mul(denseOf(b, pattern)), pattern),
        magnitude: () => blockSums(denseOf(a, pattern).mul<tf.Tensor2D>(denseOf(b, pattern)).abs(), pattern),
      };
    }, 60);
  });

  it('patches of images, and their transpose', () => {
    const geometries = fc.record({
      batch: fc.integer({ min: 0, max: 3 }),
      size: fc.tuple(fc.integer({ min: 4, max: 9 }), fc.integer({ min: 4, max: 9 })),
      channels: fc.integer({ min: 1, max: 9 }),
      filter: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      pad: fc.constantFrom('same' as const, 'valid' as const, 1),
      seed: fc.integer({ min: 1, max: 1e6 }),
    });
    fc.assert(
      fc.property(geometries, ({ batch, size, channels, filter, strides, pad, seed }) =>
        withoutLeaks(() => {
          const info = convolutionInfo([batch, ...size, channels], [...filter, channels, 1], {
            strides,
            pad,
          });
          const x = randomTensor<tf.Tensor4D>([batch, ...size, channels], seed);
          const patches = randomTensor<tf.Tensor2D>(patchesShape(info), seed + 1);
          compare({
            actual: () => im2col(x, info),
            expected: () => im2col(x, info),
            magnitude: () => tf.zeros(patchesShape(info)),
          });
          compare({
            actual: () => col2im(patches, info),
            expected: () => col2im(patches, info),
            magnitude: () => col2im(patches.abs(), info),
          });
        }),
      ),
      { numRuns: 80 },
    );
  });
}

/** Each block's factor at each of its weights. */
function spread(scale: tf.Tensor2D, pattern: BlockPattern): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  const factors = scale.arraySync();
  const values = Array.from({ length: n }, (_, i) =>
    Array.from({ length: m }, (_, j) => factors[Math.floor(i / blockRows)]![Math.floor(j / blockColumns)]!),
  );
  return tf.tensor2d(values, [n, m]);
}

/** The sum over each block. */
function blockSums(matrix: tf.Tensor2D, pattern: BlockPattern): tf.Tensor2D {
  const [, m] = pattern.matrixShape;
  const [rows, columns] = pattern.grid.gridShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  const sums = new Float64Array(rows * columns);
  matrix.dataSync().forEach((value, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    sums[Math.floor(i / blockRows) * columns + Math.floor(j / blockColumns)]! += value;
  });
  return tf.tensor2d(Float32Array.from(sums), [rows, columns]);
}
