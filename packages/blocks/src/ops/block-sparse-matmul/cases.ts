import type * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

import type { BlockPattern } from '../../pattern.js';
import { opCase, rectified, sumOfProducts, type OpCase } from '../../test-cases.js';
import { patterns, placesOfValues } from '../../test-support.js';
import { blockSparseMatMul, blockSparseWeightGradient } from './index.js';

export interface Product {
  readonly pattern: BlockPattern;
  readonly batch: number;
}

/** Full panels of eight examples, half panels, parts of both, and more than are packed at a time. */
const settings: fc.Arbitrary<Product> = fc.record({
  pattern: patterns,
  batch: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 128), fc.integer({ min: 0, max: 300 })),
});

/** W[i, j] is `values[value]`. */
function weightsOf(pattern: BlockPattern): [i: number, j: number, value: number][] {
  const [, m] = pattern.matrixShape;
  return placesOfValues(pattern).map((place, value) => [Math.floor(place / m), place % m, value]);
}

/** x·W + bias, where there is one. */
function productOf({ pattern, batch }: Product, hasBias: boolean) {
  const [n, m] = pattern.matrixShape;
  const weights = weightsOf(pattern);
  return sumOfProducts(batch * m, (visit) => {
    for (let b = 0; b < batch; b++) {
      for (const [i, j, value] of weights) visit(b * m + j, b * n + i, value);
      if (hasBias) for (let j = 0; j < m; j++) visit(b * m + j, -1, -1, j);
    }
  });
}

const operands = ({ pattern, batch }: Product) => ({
  x: [batch, pattern.matrixShape[0]],
  values: [pattern.size],
});

function multiply(activation: 'linear' | 'relu', hasBias: boolean): OpCase<Product> {
  return {
    name: `blockSparseMatMul, ${activation}, ${hasBias ? 'with' : 'without'} bias`,
    settings,
    shapes: (own) => ({ ...operands(own), ...(hasBias && { bias: [own.pattern.matrixShape[1]] }) }),
    resultShape: ({ pattern, batch }) => [batch, pattern.matrixShape[1]],
    run: ({ x, values, bias }, { pattern }) =>
      blockSparseMatMul(x as tf.Tensor2D, values as tf.Tensor1D, pattern, {
        activation,
        ...(bias && { bias: bias as tf.Tensor1D }),
      }),
    define: (own) => (activation === 'relu' ? rectified(productOf(own, hasBias)) : productOf(own, hasBias)),
  };
}

export const plain = multiply('linear', false);
export const biasedRelu = multiply('relu', true);

export const transposed: OpCase<Product> = {
  name: 'blockSparseMatMul, transposed',
  settings,
  shapes: ({ pattern, batch }) => ({ x: [batch, pattern.matrixShape[1]], values: [pattern.size] }),
  resultShape: ({ pattern, batch }) => [batch, pattern.matrixShape[0]],
  run: ({ x, values }, { pattern }) =>
    blockSparseMatMul(x as tf.Tensor2D, values as tf.Tensor1D, pattern, { transposed: true }),
  define: ({ pattern, batch }) => {
    const [n, m] = pattern.matrixShape;
    const weights = weightsOf(pattern);
    return sumOfProducts(batch * n, (visit) => {
      for (let b = 0; b < batch; b++) {
        for (const [i, j, value] of weights) visit(b * n + i, b * m + j, value);
      }
    });
  },
};

const weightGradient: OpCase<Product> = {
  name: 'blockSparseWeightGradient',
  settings,
  shapes: ({ pattern: { matrixShape }, batch }) => ({
    x: [batch, matrixShape[0]],
    dy: [batch, matrixShape[1]],
  }),
  resultShape: ({ pattern }) => [pattern.size],
  run: ({ x, dy }, { pattern }) => blockSparseWeightGradient(x as tf.Tensor2D, dy as tf.Tensor2D, pattern),
  define: ({ pattern, batch }) => {
    const [n, m] = pattern.matrixShape;
    const weights = weightsOf(pattern);
    return sumOfProducts(pattern.size, (visit) => {
      for (let b = 0; b < batch; b++) {
        for (const [i, j, value] of weights) visit(value, b * n + i, b * m + j);
      }
    });
  },
};

export const cases: OpCase[] = [
  plain,
  multiply('linear', true),
  multiply('relu', false),
  biasedRelu,
  transposed,
  weightGradient,
].map(opCase);
