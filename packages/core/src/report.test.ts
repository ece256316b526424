import { blockGrid } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { nonZeroBlocks, reportKernel, summarize, type Course } from './report.js';

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
    expect(summarize(pruned, [], 100, course).achieved).toEqual({
      prunedLayers: expect.closeTo(2 / 12, 12),
      model: 5 / 100,
    });
  });
});

const course: Course = {
  stepsDone: 20,
  stepsPlanned: 20,
  phase: 'sparse',
  cutAtEnd: 0,
  idleSteps: 0,
  untrained: [],
};

describe('the warnings of the report', () => {
  const warnings = (of: Partial<Course>) =>
    summarize([reportKernel('a', grid, 4, weights)], [], 100, { ...course, ...of }).warnings.join(' | ');

  it('are none of a run that went as planned', () => {
    expect(warnings({})).toBe('');
  });

  it('say that it ended early, and what finalize itself cut', () => {
    expect(warnings({ stepsDone: 10, phase: 'dense', cutAtEnd: 2 })).toBe(
      'The run ended after 10 of 20 steps, in a dense phase: finalize() itself cut 2 of 6 blocks, and nothing was ' +
        'trained after',
    );
    expect(warnings({ stepsDone: 19 })).toBe('The run ended after 19 of 20 steps, in a sparse phase');
  });

  it('say that it overran', () => {
    expect(warnings({ stepsDone: 40 })).toMatch(/told of 40 steps, and planned for 20/);
  });

  it('say which steps trained nothing, and which kernels none did', () => {
    expect(warnings({ idleSteps: 5 })).toBe('In 15 of 20 steps a kernel was trained');
    expect(warnings({ idleSteps: 20, untrained: ['a'] })).toBe('In 0 of 20 steps a kernel was trained');
    expect(warnings({ untrained: ['a'] })).toBe('No step trained a');
  });
});
