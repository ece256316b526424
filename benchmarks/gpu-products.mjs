// Block-sparse products against the backend's dense product of the same shape, over sparsities and block sizes: y = x·W,
// the gradient by x, and the gradient by the kept blocks of W.

import {
  blockSparseMatMul,
  blockSparseWeightGradient,
  gatherBlocks,
  patternOf,
  scatterBlocks,
} from '@espalier/blocks';
import { blockGrid } from '@espalier/core';
import { permutation, random } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';

import { burstMs, takeTurns, timesFor } from './gpu-timing.mjs';

/**
 * @param keep is given, for each product, sparsity and block shape, the times as soon as they are measured: `speedup`
 *   is the dense product's over ours
 */
export async function measureProducts(
  { batch, matrixShape, sparsities, blockShapes },
  plan,
  { finished, torch, log, keep },
) {
  const [n, m] = matrixShape;
  const x = tf.randomNormal([batch, n], 0, 1, 'float32', 1);
  const dy = tf.randomNormal([batch, m], 0, 1, 'float32', 2);
  const w = tf.randomNormal([n, m], 0, 1, 'float32', 3);
  const dense = {
    'y = x·W': () => tf.matMul(x, w),
    'dy·Wᵀ': () => tf.matMul(dy, w, false, true),
    'xᵀ·dy': () => tf.matMul(x, dy, true, false),
  };
  const shape = { batch, matrixShape };
  for (const product of Object.keys(dense)) {
    const run = disposing(dense[product]);
    const times = await timesFor(run, plan.burstMs / 4, finished);
    const denseBurst = () => burstMs(run, times, finished);
    const peer = torch && (await torch.prepareProduct(product, batch, matrixShape, plan.burstMs / 4));
    if (peer) {
      const [ours, theirs] = await takeTurns([denseBurst, peer], plan.rounds);
      keep({
        ...shape,
        product,
        sparsity: 0,
        blockShape: null,
        denseMs: ours.ms,
        torchDenseMs: theirs.ms,
      });
    }
    for (const blockShape of blockShapes) {
      for (const sparsity of sparsities) {
        const pattern = randomPattern(matrixShape, blockShape, sparsity);
        const values = tf.randomNormal([pattern.size], 0, 1, 'float32', 4);
        const sparse = disposing(sparseProduct(product, { x, dy, values, pattern }));
        const sparseTimes = await timesFor(sparse, plan.burstMs / 4, finished);
        const sparseBurst = () => burstMs(sparse, sparseTimes, finished);
        const [ours, theirs] = await takeTurns([sparseBurst, denseBurst], plan.rounds);
        keep({
          ...shape,
          product,
          sparsity,
          blockShape,
          ms: ours.ms,
          denseMs: theirs.ms,
          speedup: theirs.ratio,
        });
        values.dispose();
      }
      log(`${product}, blocks of ${blockShape.join('×')}`);
    }
  }
  tf.dispose([x, dy, w]);
}

const TOLERANCE = 1e-4;

/**
 * Every product against the dense one with the same weights, zeros in place.
 *
 * @returns for each case the largest difference, relative to the largest result
 */
export async function checkProducts({ batch, matrixShape, sparsities, blockShapes }) {
  const [n, m] = matrixShape;
  const x = tf.randomNormal([batch, n], 0, 1, 'float32', 1);
  const dy = tf.randomNormal([batch, m], 0, 1, 'float32', 2);
  const checks = [];
  for (const blockShape of blockShapes) {
    for (const sparsity of sparsities) {
      const pattern = randomPattern(matrixShape, blockShape, sparsity);
      const values = tf.randomNormal([pattern.size], 0, 1, 'float32', 4);
      for (const product of ['y = x·W', 'dy·Wᵀ', 'xᵀ·dy']) {
        const tensors = { x, dy, values, pattern };
        const [difference = NaN] = await differenceFromDense(product, tensors).data();
        checks.push({ product, blockShape, sparsity, difference, passed: difference <= TOLERANCE });
      }
      values.dispose();
    }
  }
  tf.dispose([x, dy]);
  return checks;
}

function differenceFromDense(product, { x, dy, values, pattern }) {
  return tf.tidy(() => {
    const w = scatterBlocks(values, pattern);
    const dense = {
      'y = x·W': () => tf.matMul(x, w),
      'dy·Wᵀ': () => tf.matMul(dy, w, false, true),
      'xᵀ·dy': () => gatherBlocks(tf.matMul(x, dy, true, false), pattern),
    };
    const expected = dense[product]();
    const actual = sparseProduct(product, { x, dy, values, pattern })();
    return actual.sub(expected).abs().max().div(expected.abs().max());
  });
}

function sparseProduct(product, { x, dy, values, pattern }) {
  switch (product) {
    case 'y = x·W':
      return () => blockSparseMatMul(x, values, pattern);
    case 'dy·Wᵀ':
      return () => blockSparseMatMul(dy, values, pattern, { transposed: true });
    default:
      return () => blockSparseWeightGradient(x, dy, pattern);
  }
}

const disposing = (product) => () => product().dispose();

function randomPattern(matrixShape, blockShape, sparsity) {
  const grid = blockGrid(matrixShape, blockShape);
  const mask = new Uint8Array(grid.blocks);
  const kept = Math.round(grid.blocks * (1 - sparsity));
  for (const block of permutation(grid.blocks, random(1, 'mask')).subarray(0, kept)) mask[block] = 1;
  return patternOf(grid, mask);
}
