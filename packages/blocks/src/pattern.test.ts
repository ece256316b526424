import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { blockGrid } from './grid.js';
import { BlockPattern, patternOf } from './pattern.js';

/**
 * A 5 × 5 matrix in blocks of 2 × 2, kept as
 *
 *     1 0 1
 *     0 0 0
 *     0 1 1
 *
 * The blocks at the right are 2 × 1, at the bottom 1 × 2, in the corner 1 × 1.
 */
const grid = blockGrid([5, 5], [2, 2]);
const mask = Uint8Array.from([1, 0, 1, 0, 0, 0, 0, 1, 1]);

describe('the pattern of a mask', () => {
  const pattern = patternOf(grid, mask);

  it('has the pointers and indices of BSR', () => {
    expect([...pattern.pointers]).toEqual([0, 2, 2, 4]);
    expect([...pattern.indices]).toEqual([0, 2, 1, 2]);
  });

  it('has an offset for each block, ragged ones at their own size', () => {
    expect([...pattern.offsets]).toEqual([0, 4, 6, 8, 9]);
    expect([pattern.blocks, pattern.size]).toEqual([4, 9]);
  });

  it('can be seen by columns', () => {
    const { pointers, indices, order } = pattern.columns();
    expect([...pointers]).toEqual([0, 1, 2, 4]);
    expect([...indices]).toEqual([0, 2, 0, 2]);
    expect([...order]).toEqual([0, 2, 1, 3]);
  });

  it('refuses a mask of another grid', () => {
    expect(() => patternOf(grid, new Uint8Array(4))).toThrow('The mask is of 4 blocks, the grid of 9');
  });
});

it('gives the mask back, whatever it keeps', () => {
  const length = fc.integer({ min: 1, max: 12 });
  const run = (n: number, m: number, rows: number, columns: number, keeps: boolean[]) => {
    const any = blockGrid([n, m], [Math.min(rows, n), Math.min(columns, m)]);
    const kept = Uint8Array.from({ length: any.blocks }, (_, i) => Number(keeps[i % keeps.length]));
    expect(patternOf(any, kept).mask()).toEqual(kept);
  };
  fc.assert(
    fc.property(
      length,
      length,
      length,
      length,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }),
      run,
    ),
  );
});

describe('fields that contradict one another', () => {
  const sound = {
    matrixShape: [5, 5],
    blockShape: [2, 2],
    pointers: [0, 2, 2, 4],
    indices: [0, 2, 1, 2],
  } as const;

  it.each([
    ['too few pointers', { pointers: [0, 2, 4] }, 'has 4 pointers, not 3'],
    ['pointers that do not start at 0', { pointers: [1, 2, 2, 4] }, 'from 0 to 4, not from 1 to 4'],
    ['pointers beyond the blocks', { pointers: [0, 2, 2, 5] }, 'from 0 to 4, not from 0 to 5'],
    [
      'pointers that decrease',
      { pointers: [0, 3, 2, 4] },
      'never decrease: that of block row 2 is 2, after 3',
    ],
    ['a pointer that is no whole number', { pointers: [0, 1.5, 2, 4] }, 'block row 1 is 1.5'],
    ['a pointer that is no number', { pointers: [0, NaN, 2, 4] }, 'block row 1 is NaN'],
    ['an index out of range', { indices: [0, 3, 1, 2] }, 'Block 1 lies in block column 3'],
    ['an index below 0', { indices: [-1, 2, 1, 2] }, 'Block 0 lies in block column -1'],
    ['an index that is no whole number', { indices: [0, 2, 0.5, 2] }, 'Block 2 lies in block column 0.5'],
    ['a block twice', { indices: [0, 0, 1, 2] }, 'block row 0 has 0 after 0'],
    ['blocks out of order', { indices: [2, 0, 1, 2] }, 'block row 0 has 0 after 2'],
    ['too few indices', { indices: [0, 2, 1] }, 'go from 0 to 3, not from 0 to 4'],
    ['a block larger than the matrix', { blockShape: [6, 2] as const }, 'larger than the 5×5 kernel'],
  ])('%s', (_, wrong, message) => {
    expect(new BlockPattern(sound).blocks).toBe(4);
    expect(() => new BlockPattern({ ...sound, ...wrong })).toThrow(message);
  });
});
