/** What the table does not tell of the ops on the blocks of a matrix, composed and by the kernels. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import '../../backends/cpu.js';
import '../../backends/wasm.js';
import { blockGrid } from '../../grid.js';
import { expectClose, finiteDifferences, grids, naiveNorms, randomTensor } from '../../test-support.js';
import {
  blockDot,
  blockNorms,
  blockRootMeanSquares,
  maskBlocks,
  scaleBlocks,
  wholeBlockNorms,
} from './index.js';

const ragged = blockGrid([5, 7], [2, 3]);
const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());

describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('blockNorms is the root of the sum of squares over every block', () => {
    fc.assert(
      fc.property(grids, fc.nat(1000), (grid, seed) => {
        tf.tidy(() => {
          const matrix = randomTensor(grid.matrixShape, seed);
          const naive = naiveNorms(matrix.dataSync(), grid.matrixShape, grid.blockShape);
          expectClose(blockNorms(matrix, grid), naive, 1e-5);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('the root mean square counts the weights that are there, and a norm as of a whole block is √(Br·Bc) times it', () => {
    fc.assert(
      fc.property(grids, fc.nat(1000), (grid, seed) => {
        tf.tidy(() => {
          const matrix = randomTensor(grid.matrixShape, seed);
          const norms = naiveNorms(matrix.dataSync(), grid.matrixShape, grid.blockShape);
          const counted = naiveNorms(
            tf.ones([...grid.matrixShape]).dataSync(),
            grid.matrixShape,
            grid.blockShape,
          );
          const means = norms.map((norm, block) => norm / counted[block]!); // ‖1_b‖ is √n_b.
          expectClose(blockRootMeanSquares(matrix, grid), means, 1e-5);
          const [rows, columns] = grid.blockShape;
          const whole = means.map((mean) => mean * Math.sqrt(rows * columns));
          expectClose(wholeBlockNorms(matrix, grid), whole, 1e-5);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('both have zero for a derivative at a block of zeros, ragged or not', () => {
    tf.tidy(() => {
      for (const measure of [blockRootMeanSquares, wholeBlockNorms]) {
        for (const grid of [ragged, blockGrid([5, 7], [1, 7])]) {
          const gradient = tf.grad((w) => measure(w as tf.Tensor2D, grid).sum())(tf.zeros([5, 7]));
          expect(values(gradient)).toEqual(new Array(35).fill(0));
        }
      }
    });
  });

  it('a padded and an evenly divided grid agree where both apply', () => {
    // A 6 × 8 matrix whose last row and columns are zero is the 5 × 6 one padded: blocks of 3 × 4 divide the first.
    const [small, large] = [blockGrid([5, 6], [3, 4]), blockGrid([6, 8], [3, 4])];
    tf.tidy(() => {
      const weights = randomTensor([5, 6]);
      const padded = weights.pad<tf.Tensor2D>([
        [0, 1],
        [0, 2],
      ]);
      const factors = randomTensor([2, 2], 2);
      expect(values(blockNorms(weights, small))).toEqual(values(blockNorms(padded, large)));
      expect(values(scaleBlocks(weights, factors, small))).toEqual(
        values(scaleBlocks(padded, factors, large).slice([0, 0], [5, 6])),
      );
    });
  });

  it('gradients have gradients: second derivatives', () => {
    tf.tidy(() => {
      const factors = randomTensor(ragged.gridShape, 5);
      const slope = (...[weights, factors]: tf.Tensor[]) =>
        tf
          .grad((w) =>
            scaleBlocks(w as tf.Tensor2D, factors as tf.Tensor2D, ragged)
              .square()
              .mul(w)
              .sum(),
          )(weights!)
          .square()
          .sum() as tf.Scalar;
      const dotSlope = (a: tf.Tensor) =>
        tf
          .grad((a) =>
            blockDot(a as tf.Tensor2D, a as tf.Tensor2D, ragged)
              .square()
              .sum(),
          )(a)
          .sum() as tf.Scalar;
      const weights = randomTensor(ragged.matrixShape, 4);
      expect(tf.grads(slope)([weights, factors])).toHaveLength(2);
      finiteDifferences(slope, [weights, factors]).forEach((numeric, i) =>
        expectClose(tf.grads(slope)([weights, factors])[i]!, numeric, 5e-3),
      );
      expectClose(tf.grad(dotSlope)(weights), finiteDifferences(dotSlope, [weights])[0]!, 5e-3);
    });
  });

  it('maskBlocks takes a mask that lives no longer than the product', () => {
    const gradient = tf.tidy(() =>
      tf.grad((w) => maskBlocks(w as tf.Tensor2D, tf.tensor2d([[1, 0]]), blockGrid([1, 2], [1, 1])))(
        tf.tensor2d([[3, 4]]),
      ),
    );
    expect(values(gradient)).toEqual([1, 0]);
    gradient.dispose();
  });

  it('the derivative of the norms is W_b / ‖W_b‖, and zero, not NaN, at a block of zeros', () => {
    // ‖[3, 4]‖ = 5: the derivative is [0.6, 0.8].
    tf.tidy(() => {
      const grid = blockGrid([2, 2], [1, 2]);
      const gradient = tf.grad((w) => blockNorms(w as tf.Tensor2D, grid).sum())(
        tf.tensor2d([3, 4, 0, 0], [2, 2]),
      );
      expectClose(gradient, [0.6, 0.8, 0, 0], 1e-6);
    });
  });

  it('a NaN weight makes the norm of its block NaN, and no other', () => {
    const norms = tf.tidy(() =>
      values(blockNorms(tf.tensor2d([3, 4, Number.NaN, 1], [2, 2]), blockGrid([2, 2], [1, 2]))),
    );
    expect(norms).toEqual([5, Number.NaN]);
  });

  it('a block scaled by zero is zero, whatever it held and whatever flows back', () => {
    const grid = blockGrid([2, 5], [1, 5]);
    tf.tidy(() => {
      const matrix = tf.tensor2d([Infinity, NaN, -3, 4, 5, 1, 2, 3, 4, 5], [2, 5]);
      const scale = tf.tensor2d([0, 2], [2, 1]);
      const scaled = values(scaleBlocks(matrix, scale, grid));
      expect(scaled).toEqual([0, 0, 0, 0, 0, 2, 4, 6, 8, 10]);
      const byMatrix = tf.grad((m) => scaleBlocks(m as tf.Tensor2D, scale, grid))(tf.ones([2, 5]), matrix);
      expect(values(byMatrix)).toEqual(scaled);
    });
  });

  it('leaves no tensor behind but its result', () => {
    const [w, s] = [randomTensor(ragged.matrixShape), randomTensor(ragged.gridShape)];
    const before = tf.memory().numTensors;
    tf.dispose([
      scaleBlocks(w, s, ragged),
      maskBlocks(w, s, ragged),
      blockDot(w, w, ragged),
      blockNorms(w, ragged),
      blockRootMeanSquares(w, ragged),
      wholeBlockNorms(w, ragged),
    ]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([w, s]);
  });

  it('refuses tensors that are not of the grid, naming which and both shapes', () => {
    tf.tidy(() => {
      const grid = blockGrid([4, 4], [2, 2]);
      const [good, bad] = [tf.zeros<tf.Rank.R2>([4, 4]), tf.zeros<tf.Rank.R2>([4, 5])];
      expect(() => scaleBlocks(bad, good, grid)).toThrow('matrix has shape [4, 5], the grid wants [4, 4]');
      expect(() => scaleBlocks(good, good, grid)).toThrow('scale has shape [4, 4], the grid wants [2, 2]');
      expect(() => maskBlocks(good, good, grid)).toThrow('mask has shape [4, 4], the grid wants [2, 2]');
      expect(() => blockDot(good, bad, grid)).toThrow('b has shape [4, 5], the grid wants [4, 4]');
      expect(() => blockDot(good, good.toInt(), grid)).toThrow('b is of int32: the grid is of float32');
    });
  });
});
