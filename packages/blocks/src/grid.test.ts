import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { assertBlockShape, blockFits, blockGrid, blockSize, matrixShape } from './grid.js';

describe('matrixShape', () => {
  it.each([
    ['a dense kernel is a matrix already', [784, 512], 'other', [784, 512]],
    ['an embedding is a matrix already', [1000, 10], 'other', [1000, 10]],
    ['a convolution kernel becomes (h·w·in) × out', [3, 5, 16, 32], 'other', [240, 32]],
    ['a one-dimensional convolution kernel becomes (w·in) × out', [7, 4, 9], 'other', [28, 9]],
    ['a three-dimensional convolution kernel becomes (d·h·w·in) × out', [2, 3, 4, 5, 6], 'other', [120, 6]],
    ['a depthwise kernel becomes (h·w) × (in·multiplier)', [3, 5, 16, 2], 'depthwise', [15, 32]],
  ] as const)('%s', (_, shape, kind, expected) => {
    expect(matrixShape(shape, kind)).toEqual(expected);
  });

  it.each([[[5]], [[]], [[0, 4]]])('refuses the shape %j, which has no blocks', (shape) => {
    expect(() => matrixShape(shape)).toThrow(`A kernel of shape [${shape.join(', ')}] has no blocks`);
  });
});

describe('blockGrid', () => {
  it("cuts Criteo's 390 × 400 kernel by 20 × 20 into 20 × 20 blocks, the last row of half blocks", () => {
    const grid = blockGrid([390, 400], [20, 20]);
    expect(grid).toMatchObject({ gridShape: [20, 20], blocks: 400 });
    expect(blockSize(grid, 0)).toBe(400);
    expect(blockSize(grid, 379)).toBe(400);
    expect(blockSize(grid, 380)).toBe(200);
    expect(blockSize(grid, 399)).toBe(200);
  });

  it('makes the corner block small both ways', () => {
    const grid = blockGrid([5, 7], [2, 3]);
    expect(grid.gridShape).toEqual([3, 3]);
    expect(Array.from({ length: 9 }, (_, block) => blockSize(grid, block))).toEqual([
      6, 6, 2, 6, 6, 2, 3, 3, 1,
    ]);
  });

  it('gives every weight to exactly one block', () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, size, (n, m, blockRows, blockColumns) => {
        fc.pre(blockRows <= n && blockColumns <= m);
        const grid = blockGrid([n, m], [blockRows, blockColumns]);
        const sizes = Array.from({ length: grid.blocks }, (_, block) => blockSize(grid, block));
        expect(sizes.reduce((a, b) => a + b)).toBe(n * m);
        expect(Math.min(...sizes)).toBeGreaterThan(0);
      }),
    );
  });

  it('takes a block as large as the matrix, and refuses a larger one, naming both', () => {
    expect(blockGrid([4, 6], [4, 6]).blocks).toBe(1);
    expect(blockFits([4, 6], [5, 6])).toBe(false);
    expect(() => blockGrid([4, 6], [5, 6])).toThrow(
      'A block of 5×6 is larger than the 4×6 kernel: choose a smaller block',
    );
  });

  it.each([[[16]], [[16, 16, 16]], [[0, 16]], [[16, -1]], [[2.5, 16]], [[Number.NaN, 1]], [[]]])(
    'refuses the block shape %j',
    (shape) => {
      expect(() => assertBlockShape(shape)).toThrow(
        `Block shape [${shape.join(', ')}] is not two whole numbers of at least 1, such as [16, 16]`,
      );
    },
  );
});
