import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { dotOfBlocks, gatheredBlocks, scaledBlocks, scatteredBlocks } from './composed/blocks.js';
import { product, weightGradient } from './composed/products.js';
import {
  blockSparseMatMul,
  blockSparseWeightGradient,
  blockValuesDot,
  gatherBlocks,
  scaleBlockValues,
  scatterBlocks,
  type Activation,
} from './index.js';
import type { BlockPattern } from './pattern.js';
import {
  blocksOf,
  expectClose,
  finiteDifferences,
  patternKeeping,
  patterns,
  randomTensor,
  weightMask,
  withoutLeaks,
} from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The operations as the backend's kernels compute them, and as they are composed of tfjs' ops. */
const implementations = {
  'the cpu kernels': {
    matMul: blockSparseMatMul,
    weightGradient: blockSparseWeightGradient,
    gather: gatherBlocks,
    scatter: scatterBlocks,
    scale: scaleBlockValues,
    dot: blockValuesDot,
  },
  'the composition': {
    matMul: (
      x: tf.Tensor2D,
      values: tf.Tensor1D,
      pattern: BlockPattern,
      options: Parameters<typeof blockSparseMatMul>[3] = {},
    ) => {
      const { bias, activation = 'linear', transposed = false } = options;
      return product({ x, values, ...(bias && { bias }) }, { pattern, activation, transposed });
    },
    weightGradient: (x: tf.Tensor2D, dy: tf.Tensor2D, pattern: BlockPattern) =>
      weightGradient({ x, dy }, { pattern }),
    gather: (matrix: tf.Tensor2D, pattern: BlockPattern) => gatheredBlocks({ matrix }, { pattern }),
    scatter: (values: tf.Tensor1D, pattern: BlockPattern) => scatteredBlocks({ values }, { pattern }),
    scale: (values: tf.Tensor1D, scale: tf.Tensor2D, pattern: BlockPattern) =>
      scaledBlocks({ values, scale }, { pattern }),
    dot: (a: tf.Tensor1D, b: tf.Tensor1D, pattern: BlockPattern) => dotOfBlocks({ a, b }, { pattern }),
  },
};

const batches = fc.constantFrom(0, 1, 2, 7);

/** Checks a property of random patterns and batch sizes, in tidies that leave nothing behind. */
function check(property: (pattern: BlockPattern, batch: number) => void, numRuns = 60): void {
  fc.assert(
    fc.property(patterns, batches, (pattern, batch) => withoutLeaks(() => property(pattern, batch))),
    { numRuns },
  );
}

describe.each(Object.entries(implementations))('%s', (_, ops) => {
  it('gather the kept blocks in the order of storage', () => {
    check((pattern) => {
      const matrix = randomTensor(pattern.matrixShape, 3);
      expect(Array.from(ops.gather(matrix, pattern).dataSync())).toEqual(
        blocksOf(matrix.dataSync(), pattern),
      );
    });
  });

  it('scatter values into a matrix that is zero elsewhere', () => {
    check((pattern) => {
      const matrix = randomTensor(pattern.matrixShape, 3);
      const values = tf.tensor1d(blocksOf(matrix.dataSync(), pattern), 'float32');
      expectClose(ops.scatter(values, pattern), matrix.mul(weightMask(pattern)), 0);
    });
  });

  it('multiply as the masked dense kernel does, with bias and activation', () => {
    check((pattern, batch) => {
      const [n, m] = pattern.matrixShape;
      const x = randomTensor([batch, n], 4);
      const values = randomTensor<tf.Tensor1D>([pattern.size], 5);
      const bias = randomTensor<tf.Tensor1D>([m], 6);
      const dense = denseOf(values, pattern);
      expectClose(ops.matMul(x, values, pattern), denseProduct(x, dense));
      const rectified = denseProduct(x, dense).add<tf.Tensor2D>(bias).relu();
      expectClose(ops.matMul(x, values, pattern, { bias, activation: 'relu' }), rectified);
    });
  });

  it('multiply by the transposed kernel as the masked dense one does', () => {
    check((pattern, batch) => {
      const values = randomTensor<tf.Tensor1D>([pattern.size], 5);
      const y = randomTensor([batch, pattern.matrixShape[1]], 4);
      const expected = denseProduct(y, denseOf(values, pattern).transpose());
      expectClose(ops.matMul(y, values, pattern, { transposed: true }), expected);
    });
  });

  it('compute the gradient by the values at the kept blocks alone', () => {
    check((pattern, batch) => {
      const [n, m] = pattern.matrixShape;
      const [x, dy] = [randomTensor([batch, n], 4), randomTensor([batch, m], 5)];
      const dense = batch === 0 ? tf.zeros<tf.Rank.R2>([n, m]) : tf.matMul(x, dy, true, false);
      expectClose(ops.weightGradient(x, dy, pattern), blocksOf(dense.dataSync(), pattern));
    });
  });

  it('scale each kept block, and take inner products over it', () => {
    check((pattern) => {
      const [a, b] = [6, 7].map((seed) => randomTensor<tf.Tensor1D>([pattern.size], seed)) as [
        tf.Tensor1D,
        tf.Tensor1D,
      ];
      const scale = randomTensor(pattern.grid.gridShape, 8);
      const factors = factorOfWeights(scale, pattern);
      const scaled = denseOf(a, pattern).mul(factors);
      expectClose(ops.scale(a, scale, pattern), blocksOf(scaled.dataSync(), pattern), 1e-6);
      expectClose(
        ops.dot(a, b, pattern),
        sumsOverBlocks(denseOf(a, pattern).mul(denseOf(b, pattern)), pattern),
      );
    });
  });
});

describe('the gradients', () => {
  // Without relu: where two ways of summing differ in the last bit of a sum near zero, its gradients differ by all.
  it('of a product and its bias are those of the masked dense computation', () => {
    check((pattern, batch) => expectDenseGradients(pattern, batch, 'linear'));
  });

  it('of a product with relu too', () => {
    for (const kept of ['all', 'none', 'one', 'some']) {
      withoutLeaks(() => expectDenseGradients(patternKeeping([30, 17], [5, 4], kept, 1), 6, 'relu'));
    }
  });

  it('of every operation are those of finite differences, also where blocks are ragged', () => {
    const pattern = patternKeeping([7, 5], [3, 2], 'some', 11);
    expect(pattern.blocks).toBeGreaterThan(1);
    const x = randomTensor([2, 7], 1);
    const y = randomTensor([2, 5], 2);
    const [a, b] = [randomTensor([pattern.size], 3), randomTensor([pattern.size], 4)];
    const scale = randomTensor(pattern.grid.gridShape, 5);
    const matrix = randomTensor([7, 5], 6);
    const p = pattern;
    const cases: [(...inputs: never[]) => tf.Tensor, tf.Tensor[]][] = [
      [(x: tf.Tensor2D, a: tf.Tensor1D) => blockSparseMatMul(x, a, p), [x, a]],
      [(y: tf.Tensor2D, a: tf.Tensor1D) => blockSparseMatMul(y, a, p, { transposed: true }), [y, a]],
      [(x: tf.Tensor2D, y: tf.Tensor2D) => blockSparseWeightGradient(x, y, p), [x, y]],
      [(m: tf.Tensor2D) => gatherBlocks(m, p), [matrix]],
      [(a: tf.Tensor1D) => scatterBlocks(a, p), [a]],
      [(a: tf.Tensor1D, s: tf.Tensor2D) => scaleBlockValues(a, s, p), [a, scale]],
      [(a: tf.Tensor1D, b: tf.Tensor1D) => blockValuesDot(a, b, p), [a, b]],
    ];
    for (const [op, inputs] of cases) expectGradients(op, inputs);
  });

  it('of a gradient are there too: second derivatives', () => {
    const pattern = patternKeeping([6, 6], [2, 2], 'some', 5);
    const values = randomTensor<tf.Tensor1D>([pattern.size], 3);
    const slope = (x: tf.Tensor) =>
      tf.grad((x) =>
        blockSparseMatMul(x as tf.Tensor2D, values as tf.Tensor1D, pattern)
          .square()
          .sum(),
      )(x);
    expectGradients(slope, [randomTensor([2, 6], 1)]);
  });
});

describe('what does not fit', () => {
  const pattern = patternKeeping([4, 6], [2, 2], 'all', 1);
  const values = () => tf.zeros<tf.Rank.R1>([24]);
  it.each([
    [
      'x',
      () => blockSparseMatMul(tf.zeros([1, 6]), values(), pattern),
      'x has shape [1, 6], the block-sparse kernel wants [1, 4]',
    ],
    ['values', () => blockSparseMatMul(tf.zeros([1, 4]), tf.zeros([23]), pattern), 'values has shape [23]'],
    [
      'a bias',
      () => blockSparseMatMul(tf.zeros([1, 4]), values(), pattern, { bias: tf.zeros([4]) }),
      'bias has shape [4]',
    ],
    ['a type', () => blockSparseMatMul(tf.zeros([1, 4], 'int32'), values(), pattern), 'x is of int32'],
    [
      'a transposed product with an activation',
      () => blockSparseMatMul(tf.zeros([1, 6]), values(), pattern, { transposed: true, activation: 'relu' }),
      'takes no bias and no activation',
    ],
    ['a scale', () => scaleBlockValues(values(), tf.zeros([2, 2]), pattern), 'scale has shape [2, 2]'],
    ['a matrix', () => gatherBlocks(tf.zeros([6, 4]), pattern), 'matrix has shape [6, 4]'],
  ])('is refused by name: %s', (_, run, message) => {
    expect(() => tf.tidy<tf.Tensor>(run)).toThrow(message);
  });
});

function expectDenseGradients(pattern: BlockPattern, batch: number, activation: Activation): void {
  const [n, m] = pattern.matrixShape;
  const [x, matrix] = [randomTensor([batch, n], 1), randomTensor(pattern.matrixShape, 2)];
  const bias = randomTensor<tf.Tensor1D>([m], 3);
  const weight = randomTensor([batch, m], 4);
  const [dx, dValues, dBias] = tf.grads((...[x, values, bias]) =>
    blockSparseMatMul(x as tf.Tensor2D, values as tf.Tensor1D, pattern, {
      bias: bias as tf.Tensor1D,
      activation,
    }).mul(weight),
  )([x, gatherBlocks(matrix, pattern), bias]);
  expect(dx!.shape).toEqual([batch, n]);
  if (batch === 0) return expectZeros(dValues!, dBias!);
  const mask = weightMask(pattern);
  const activate = (y: tf.Tensor) => (activation === 'relu' ? y.relu() : y);
  const [denseX, denseMatrix, denseBias] = tf.grads((...[x, matrix, bias]) =>
    activate(tf.matMul(x!, matrix!.mul(mask)).add(bias!)).mul(weight),
  )([x, matrix, bias]);
  expectClose(dx!, denseX!);
  expectClose(dValues!, blocksOf(denseMatrix!.dataSync(), pattern));
  expectClose(dBias!, denseBias!);
}

function expectZeros(...tensors: tf.Tensor[]): void {
  for (const tensor of tensors)
    expect(Array.from(tensor.dataSync()).every((value) => value === 0)).toBe(true);
}

function denseOf(values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  const places = blocksOf(
    Array.from({ length: n * m }, (_, at) => at),
    pattern,
  );
  const dense = new Float32Array(n * m);
  values.dataSync().forEach((value, at) => (dense[places[at]!] = value));
  return tf.tensor2d(dense, [n, m]);
}

/** tfjs' product of no rows is not to be relied on. */
function denseProduct(x: tf.Tensor2D, dense: tf.Tensor2D): tf.Tensor2D {
  return x.shape[0] === 0 ? tf.zeros([0, dense.shape[1]]) : tf.matMul(x, dense);
}

/** The factor of each weight, `[n, m]`. */
function factorOfWeights(scale: tf.Tensor2D, { matrixShape: [n, m], blockShape }: BlockPattern): tf.Tensor2D {
  const factors = scale.arraySync();
  return tf.tensor2d(
    Array.from({ length: n }, (_, i) =>
      Array.from(
        { length: m },
        (_, j) => factors[Math.floor(i / blockShape[0])]![Math.floor(j / blockShape[1])]!,
      ),
    ),
  );
}

function sumsOverBlocks(matrix: tf.Tensor2D, { grid }: BlockPattern): tf.Tensor2D {
  const sums = new Float32Array(grid.blocks);
  matrix.arraySync().forEach((row, i) =>
    row.forEach((value, j) => {
      const block =
        Math.floor(i / grid.blockShape[0]) * grid.gridShape[1] + Math.floor(j / grid.blockShape[1]);
      sums[block]! += value;
    }),
  );
  return tf.tensor2d(sums, [...grid.gridShape]);
}

/** Compares the gradients of Σ w ⊙ op(…), for random w, with central differences. */
function expectGradients(op: (...inputs: never[]) => tf.Tensor, inputs: tf.Tensor[]): void {
  const loss = (...inputs: tf.Tensor[]) => {
    const y = op(...(inputs as never[]));
    return y.mul(randomTensor(y.shape, 9)).sum() as tf.Scalar;
  };
  withoutLeaks(() => {
    const gradients = tf.grads(loss)(inputs);
    const numeric = finiteDifferences(loss, inputs);
    gradients.forEach((gradient, i) => expectClose(gradient, numeric[i]!, 5e-3));
  });
}
