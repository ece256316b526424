import { blockGrid } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { nonZeroBlocks, reportKernel, summarize } from './report.js';

// 3 × 5 in blocks of 2 × 2: a 2 × 3 grid of sizes 4 4 2 / 2 2 1; the first and the last block hold zeros alone.
const grid = blockGrid([3, 5], [2, 2]);
const weights = [0, 0, 1, 0, 2, 0, -0, 0, 0, 0, 0, 3, 4, 0, 0];

describe('the report', () => {
  it('counts a block as kept when any of its weights is not zero', () => {
    expect([...nonZeroBlocks(weights, grid)]).toEqual([0, 1, 1, 1, 1, 0]);
  });

  it('counts the weights of the pruned blocks by their true sizes', () => {
    expect(reportKernel('d/kernel', grid, 4, weights)).toEqual({
      name: 'd/kernel',
      matrixShape: [3, 5],
      blockShape: [2, 2],
      gridShape: [2, 3],
      blocks: 6,
      targetBlocks: 4,
      keptBlocks: 4,
      weights: 15,
      prunedWeights: 4 + 1,
    });
  });

  it('gives the sparsity of the pruned layers in blocks, and of the model in weights', () => {
    const pruned = [
      reportKernel('a', grid, 4, weights),
      reportKernel('b', grid, 4, new Array<number>(15).fill(1)),
    ];
    expect(summarize(pruned, [], 100).achieved).toEqual({
      prunedLayers: expect.closeTo(2 / 12, 12),
      model: 5 / 100,
    });
  });
});
