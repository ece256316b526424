import { blockGrid } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { erdosRenyiKernel, global, uniform, type Allocation } from '../allocation.js';
import { Budget } from './budget.js';

/** A matrix in blocks of one weight. */
const kernel = (rows: number, columns: number, sparsity?: number) => ({
  grid: blockGrid([rows, columns], [1, 1]),
  kernelShape: [rows, columns],
  sparsity,
});

const scored = (...scores: number[][]) => ({
  scores: scores.map((own) => Float32Array.from(own)),
  candidates: scores.map((own) => new Uint8Array(own.length).fill(1)),
});

const close = (numbers: readonly number[]) => numbers.map((value) => expect.closeTo(value, 12));

describe('the density of a kernel at the full target', () => {
  it('is exactly 1 − s under uniform allocation, whatever its blocks round to', () => {
    // Of 16 blocks 2 stay at s = 0.9, which is 0.125.
    const budget = new Budget(uniform, 0.9, [kernel(4, 4), kernel(10, 10)]);
    expect(budget.counts(1)).toEqual([2, 10]);
    expect(budget.densities()).toEqual([1 - 0.9, 1 - 0.9]);
  });

  it('is ε · Σ dims / Π dims by Erdős–Rényi kernel, and at most 1', () => {
    // 20 / 100 = 0.2 and 50 / 400 = 0.125. At s = 0.9: 50 = ε (100 · 0.2 + 400 · 0.125), so ε = 50 / 70.
    const kernels = [kernel(10, 10), kernel(10, 40)];
    const sparse = new Budget(erdosRenyiKernel, 0.9, kernels);
    expect(sparse.densities()).toEqual(close([10 / 70, 6.25 / 70]));
    expect(sparse.counts(1)).toEqual([14, 36]);
    // At s = 0.2 the first would have 0.2 · 400 / 70 = 1.14: it takes its 100 of 400, the second the other 300 of 400.
    expect(new Budget(erdosRenyiKernel, 0.2, kernels).densities()).toEqual(close([1, 0.75]));
  });

  it('is the target’s under global allocation until there are scores, then the share that they keep, or less', () => {
    const budget = new Budget(global, 0.5, [kernel(1, 4), kernel(1, 4)]);
    expect(budget.byScore).toBe(true);
    expect(budget.densities()).toEqual([0.5, 0.5]);
    // The four largest of all are 9, 8, 7 and 6. A kernel has no more than the target's share: attention is clipped by it.
    expect(budget.densities(scored([9, 8, 7, 1], [6, 5, 4, 3]))).toEqual([0.5, 0.25]);
  });

  it('is the share of the blocks that an allocation of one’s own keeps, where that says no more', () => {
    const halves: Allocation = {
      name: 'halves',
      byScore: false,
      keep: (layers) => layers.map(({ grid }) => grid.blocks / 2),
    };
    expect(new Budget(halves, 0.9, [kernel(2, 4), kernel(2, 2)]).densities()).toEqual([0.5, 0.5]);
  });
});

describe('a kernel with a sparsity of its own', () => {
  const kernels = [kernel(10, 10), kernel(10, 40, 0.5), kernel(20, 20)];

  it('comes to it whatever the allocation, which shares the target’s among the others alone', () => {
    expect(new Budget(uniform, 0.9, kernels).counts(1)).toEqual([10, 200, 40]);
    // 0.2 and 0.1: 50 = ε (100 · 0.2 + 400 · 0.1), so ε = 5 / 6.
    const byShape = new Budget(erdosRenyiKernel, 0.9, kernels);
    expect(byShape.counts(1)).toEqual([17, 200, 33]);
    expect(byShape.densities()).toEqual(close([1 / 6, 0.5, 1 / 12]));
  });

  it('has its part of it at each share of the target', () => {
    // 0.9 · 0.5 = 0.45 and 0.5 · 0.5 = 0.25.
    expect(new Budget(uniform, 0.9, kernels).counts(0.5)).toEqual([55, 300, 220]);
    expect(new Budget(uniform, 0.9, kernels).counts(0)).toEqual([100, 400, 400]);
  });

  it('has no part in a choice over all', () => {
    const budget = new Budget(global, 0.5, [kernel(1, 4), kernel(1, 4, 0.75), kernel(1, 4)]);
    const seen = scored([9, 8, 7, 1], [99, 98, 97, 96], [6, 5, 4, 3]);
    expect(budget.counts(1, seen)).toEqual([3, 1, 1]);
    expect(budget.densities(seen)).toEqual([0.5, 0.25, 0.25]);
  });

  it('may be kept dense, or be the only one that is pruned', () => {
    expect(new Budget(uniform, 0.9, [kernel(10, 10), kernel(10, 10, 0)]).counts(1)).toEqual([10, 100]);
    expect(new Budget(uniform, 0, [kernel(10, 10), kernel(10, 10, 0.9)]).counts(1)).toEqual([100, 10]);
  });

  it('leaves nothing to an allocation by scores where each has one', () => {
    const budget = new Budget(global, 0.5, [kernel(1, 4, 0.75), kernel(2, 4, 0.75)]);
    expect(budget.byScore).toBe(false);
    expect(budget.counts(1)).toEqual([1, 2]);
  });
});

it('a block that may not be chosen counts for nothing in a choice over all', () => {
  const budget = new Budget(global, 0.5, [kernel(1, 4), kernel(1, 4)]);
  const { scores } = scored([9, 8, 7, 1], [6, 5, 4, 3]);
  const candidates = [Uint8Array.of(1, 0, 0, 1), Uint8Array.of(1, 1, 1, 1)];
  expect(budget.counts(1, { scores, candidates })).toEqual([1, 3]);
});
