import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { blockGrid, type Shape2D } from './block-grid.js';
import { blockDot, blockNorms, maskBlocks, scaleBlocks } from './block-ops.js';
import {
  blockOf,
  expectClose,
  finiteDifferences,
  naiveNorms,
  randomTensor,
  randomValues,
  values,
} from './test-support.js';

const ragged = { matrix: [5, 7], block: [2, 3], grid: [3, 3] } as const;

describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  const size = fc.integer({ min: 1, max: 12 });
  const shapes = fc
    .tuple(size, size, size, size)
    .filter(([n, m, blockRows, blockColumns]) => blockRows <= n && blockColumns <= m);

  it('scaleBlocks multiplies every weight by the factor of its block, ragged edges included', () => {
    fc.assert(
      fc.property(shapes, fc.nat(1000), ([n, m, blockRows, blockColumns], seed) => {
        const grid = blockGrid([n, m], [blockRows, blockColumns]);
        const weights = randomValues(n * m, seed);
        const factors = randomValues(grid.blocks, seed + 1);
        const scaled = tf.tidy(() =>
          values(scaleBlocks(tf.tensor2d(weights, [n, m]), tf.tensor2d(factors, [...grid.gridShape]), grid)),
        );
        const naive = weights.map(
          (w, i) => w * (factors[blockOf(i, [n, m], [blockRows, blockColumns])] as number),
        );
        expectClose(scaled, naive, 1e-6);
      }),
      { numRuns: 40 },
    );
  });

  it('blockDot sums the products over every block, and blockNorms is the root of a matrix with itself', () => {
    fc.assert(
      fc.property(shapes, fc.nat(1000), ([n, m, blockRows, blockColumns], seed) => {
        const block: Shape2D = [blockRows, blockColumns];
        const grid = blockGrid([n, m], block);
        const [a, b] = [randomValues(n * m, seed), randomValues(n * m, seed + 1)];
        const naive = new Array<number>(grid.blocks).fill(0);
        a.forEach((value, i) => {
          const at = blockOf(i, [n, m], block);
          naive[at] = (naive[at] as number) + value * (b[i] as number);
        });
        tf.tidy(() => {
          expectClose(values(blockDot(tf.tensor2d(a, [n, m]), tf.tensor2d(b, [n, m]), grid)), naive, 1e-5);
          expectClose(values(blockNorms(tf.tensor2d(a, [n, m]), grid)), naiveNorms(a, [n, m], block), 1e-5);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('a padded and an evenly divided grid agree where both apply', () => {
    // A 6 × 8 matrix whose last row and columns are zero is the 5 × 6 one padded: blocks of 3 × 4 divide the first.
    const [small, large] = [blockGrid([5, 6], [3, 4]), blockGrid([6, 8], [3, 4])];
    tf.tidy(() => {
      const weights = randomTensor([5, 6]);
      const padded = weights.pad([
        [0, 1],
        [0, 2],
      ]) as tf.Tensor2D;
      const factors = randomTensor([2, 2], 2);
      expect(values(blockNorms(weights, small))).toEqual(values(blockNorms(padded, large)));
      expect(values(scaleBlocks(weights, factors, small))).toEqual(
        values(scaleBlocks(padded, factors, large).slice([0, 0], [5, 6])),
      );
    });
  });

  it('the derivatives of scaleBlocks and blockDot are those of finite differences', () => {
    const grid = blockGrid(ragged.matrix, ragged.block);
    const target = tf.keep(randomTensor([...ragged.matrix], 3));
    const weights = randomValues(35, 4);
    const factors = randomValues(9, 5);
    const asMatrix = (flat: Float32Array) => tf.tensor2d(flat, [...ragged.matrix]);
    const asGrid = (flat: Float32Array) => tf.tensor2d(flat, [...ragged.grid]);
    const scaled = (w: tf.Tensor, s: tf.Tensor): tf.Scalar =>
      scaleBlocks(w as tf.Tensor2D, s as tf.Tensor2D, grid)
        .mul(target)
        .sum();
    const dotted = (a: tf.Tensor): tf.Scalar =>
      blockDot(a as tf.Tensor2D, target, grid)
        .square()
        .sum();
    const at = (loss: () => tf.Scalar) => tf.tidy(() => loss().dataSync()[0] as number);
    tf.tidy(() => {
      const [byWeights, byFactors] = tf.grads(scaled)([asMatrix(weights), asGrid(factors)]) as [
        tf.Tensor,
        tf.Tensor,
      ];
      const naiveWeights = finiteDifferences((w) => at(() => scaled(asMatrix(w), asGrid(factors))), weights);
      const naiveFactors = finiteDifferences((f) => at(() => scaled(asMatrix(weights), asGrid(f))), factors);
      expectClose(values(byWeights), naiveWeights, 2e-3);
      expectClose(values(byFactors), naiveFactors, 2e-3);
      const byDot = tf.grad(dotted)(asMatrix(weights));
      expectClose(
        values(byDot),
        finiteDifferences((w) => at(() => dotted(asMatrix(w))), weights),
        5e-3,
      );
    });
    target.dispose();
  });

  it('maskBlocks is scaleBlocks, and has its derivative by the matrix', () => {
    const grid = blockGrid(ragged.matrix, ragged.block);
    tf.tidy(() => {
      const [weights, target] = [randomTensor([...ragged.matrix], 4), randomTensor([...ragged.matrix], 3)];
      const mask = tf.tensor2d([1, 0, 1, 0, 0, 1, 1, 1, 0], [3, 3]);
      const by = (op: typeof scaleBlocks) =>
        tf.valueAndGrad((w) =>
          op(w as tf.Tensor2D, mask, grid)
            .mul(target)
            .sum(),
        )(weights);
      expect(values(by(maskBlocks).value)).toEqual(values(by(scaleBlocks).value));
      // The loss is linear: its derivative is the target, masked.
      const naive = values(target).map(
        (t, i) =>
          t * ([1, 0, 1, 0, 0, 1, 1, 1, 0][blockOf(i, [...ragged.matrix], [...ragged.block])] as number),
      );
      expectClose(values(by(maskBlocks).grad), naive, 1e-6);
      expect(() => maskBlocks(weights, target, grid)).toThrow('mask has shape [5, 7], the grid wants [3, 3]');
    });
  });

  it('the derivative of the norms is W_b / ‖W_b‖, and zero, not NaN, at a block of zeros', () => {
    // ‖[3, 4]‖ = 5: the derivative is [0.6, 0.8].
    tf.tidy(() => {
      const grid = blockGrid([2, 2], [1, 2]);
      const gradient = tf.grad((w) => blockNorms(w as tf.Tensor2D, grid).sum())(
        tf.tensor2d([3, 4, 0, 0], [2, 2]),
      );
      expectClose(values(gradient), [0.6, 0.8, 0, 0], 1e-6);
    });
  });

  it('a NaN weight makes the norm of its block NaN, and no other', () => {
    const norms = tf.tidy(() =>
      values(blockNorms(tf.tensor2d([3, 4, Number.NaN, 1], [2, 2]), blockGrid([2, 2], [1, 2]))),
    );
    expect(norms).toEqual([5, Number.NaN]);
  });

  it('leaves no tensor behind but its result', () => {
    const grid = blockGrid(ragged.matrix, ragged.block);
    const [w, s] = [randomTensor([...ragged.matrix]), randomTensor([...ragged.grid])];
    const before = tf.memory().numTensors;
    tf.dispose([scaleBlocks(w, s, grid), blockDot(w, w, grid), blockNorms(w, grid)]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([w, s]);
  });

  it('refuses tensors that are not of the grid, naming which and both shapes', () => {
    tf.tidy(() => {
      const grid = blockGrid([4, 4], [2, 2]);
      const [good, bad] = [tf.zeros<tf.Rank.R2>([4, 4]), tf.zeros<tf.Rank.R2>([4, 5])];
      expect(() => scaleBlocks(bad, good, grid)).toThrow('matrix has shape [4, 5], the grid wants [4, 4]');
      expect(() => scaleBlocks(good, good, grid)).toThrow('scale has shape [4, 4], the grid wants [2, 2]');
      expect(() => blockDot(good, bad, grid)).toThrow('b has shape [4, 5], the grid wants [4, 4]');
    });
  });
});

describe("a backend's own ScaleBlocks kernel", () => {
  let calls = 0;
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  afterEach(() => {
    tf.unregisterKernel('ScaleBlocks', 'cpu');
    calls = 0;
  });

  it('is used for the product and its derivative, and what it is not joined by is composed of tfjs operations', () => {
    tf.registerKernel({
      kernelName: 'ScaleBlocks',
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs }) => {
        calls += 1;
        const { matrix, scale } = inputs as unknown as Record<'matrix' | 'scale', tf.Tensor2D>;
        const { blockShape } = attrs as unknown as { blockShape: Shape2D };
        const factors = scale.dataSync();
        const product = matrix
          .dataSync()
          .map((w, i) => w * (factors[blockOf(i, matrix.shape, blockShape)] as number));
        return tf.tensor2d(product, matrix.shape);
      },
    });
    tf.tidy(() => {
      const grid = blockGrid([2, 4], [2, 2]);
      const weights = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
      const [byWeights, byFactors] = tf.grads((w, s) =>
        scaleBlocks(w as tf.Tensor2D, s as tf.Tensor2D, grid).sum(),
      )([weights, tf.tensor2d([[10, 100]])]) as [tf.Tensor, tf.Tensor];
      expect(values(byWeights)).toEqual([10, 10, 100, 100, 10, 10, 100, 100]);
      expect(values(byFactors)).toEqual([1 + 2 + 5 + 6, 3 + 4 + 7 + 8]);
    });
    expect(calls).toBe(2);
  });
});
