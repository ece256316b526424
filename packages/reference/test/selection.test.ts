import { describe, expect, it } from 'vitest';

import { cut, norms, rootMeanSquares } from '../src/blocks.js';
import { blocksToKeep, Closest, erdosRenyiKernel, everyBlock, global, largest } from '../src/selection.js';

describe('blocks', () => {
  it('are smaller at the ragged edges, and compared by the mean of what they have', () => {
    const grid = cut([3, 3], [2, 2]);
    expect(grid).toMatchObject({ rows: 2, columns: 2, sizes: [4, 2, 2, 1] });
    const matrix = [1, 1, 2, 1, 1, 2, 3, 3, 4];
    expect(rootMeanSquares(grid, matrix)).toEqual([1, 2, 3, 4]);
    expect(norms(grid, matrix)).toEqual([2, 4, 6, 8]); // as if each had four
  });
});

describe('how many blocks are kept', () => {
  it('is the rounded decimal product, and at least one', () => {
    // 50 · (1 − 0.87) is 6.5, of which doubles make 6.4999…
    expect(blocksToKeep(50, 0.87)).toBe(7);
    expect(blocksToKeep(30, 0.7)).toBe(9);
    expect(blocksToKeep(256, 0.9)).toBe(26);
    expect(blocksToKeep(10, 0)).toBe(10);
    expect(blocksToKeep(10, 0.99)).toBe(1);
    expect(blocksToKeep(10, 1e-9)).toBe(10);
  });

  it('is by Erdős–Rényi kernel what JaxPruner keeps of ResNet-20 at 80%, rounded otherwise', () => {
    const many = <T>(count: number, of: T) => new Array<T>(count).fill(of);
    const shapes = [
      [3, 3, 3, 16],
      ...many(6, [3, 3, 16, 16]),
      [3, 3, 16, 32],
      ...many(5, [3, 3, 32, 32]),
      [3, 3, 32, 64],
      ...many(5, [3, 3, 64, 64]),
      [64, 10],
    ];
    const theirs = [432, ...many(6, 1424), 2023, ...many(5, 2623), 3822, ...many(5, 5021), 640];
    const kernels = shapes.map((shape) => ({ shape, blocks: shape.reduce((a, b) => a * b), scores: [] }));
    const kept = erdosRenyiKernel(kernels, 0.8, new Closest());
    kept.forEach((count, i) => expect(Math.abs(count - theirs[i])).toBeLessThanOrEqual(1));
    expect(kept[0]).toBe(432);
    expect(kept.at(-1)).toBe(640);
  });

  it('is, globally, what of the highest scores of all falls to each kernel, and at least one', () => {
    const kernels = [
      { shape: [2, 2], blocks: 4, scores: [9, 8, 7, 6] },
      { shape: [2, 2], blocks: 4, scores: [1, 2, 3, 4] },
      { shape: [1, 2], blocks: 2, scores: [5, 0] },
    ];
    expect(global(kernels, 0.5, new Closest())).toEqual([3, 1, 1]);
  });
});

describe('the largest', () => {
  it('are chosen among the candidates, the earlier of equals', () => {
    const closest = new Closest();
    expect([...largest([1, 5, 5, 5, 9], 2, Uint8Array.of(1, 1, 1, 1, 0), closest)]).toEqual([0, 1, 1, 0, 0]);
    expect(closest.gap).toBe(Infinity);
  });

  it('tell how close the choice was', () => {
    const closest = new Closest();
    largest([1, 5, 4, 10], 2, everyBlock(4), closest);
    expect(closest.gap).toBe(0.1);
  });
});
