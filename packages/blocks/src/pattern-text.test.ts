import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { blockGrid } from './grid.js';
import { patternOf } from './pattern.js';
import { patternOfText, patternText } from './pattern-text.js';
import { patternKeeping, patterns, randomValues } from './test-support.js';

/**
 * A 6 × 40 matrix in blocks of 2 × 2: three rows of 20 blocks, of which the first keeps the columns 0, 3 and 19, the
 * second none, the third the column 17.
 */
const mask = new Uint8Array(60);
for (const kept of [0, 3, 19, 57]) mask[kept] = 1;
const pattern = patternOf(blockGrid([6, 40], [2, 2]), mask);
/** Counts 3, 0, 1; gaps 0, 2, 15, 17, of which 17 = 1 + 16·1 takes two digits, 1 + 16 and 1. */
const text = { matrixShape: [6, 40], blockShape: [2, 2], pointers: '301', indices: '02fh1' };

describe('a pattern as text', () => {
  it('has its pointers and indices as differences in groups of four bits', () => {
    expect(patternText(pattern)).toEqual(text);
  });

  it('is the pattern again', () => {
    fc.assert(
      fc.property(patterns, (pattern) => {
        const again = patternOfText(JSON.parse(JSON.stringify(patternText(pattern))), 'it');
        expect(again.grid).toEqual(pattern.grid);
        expect(again.mask()).toEqual(pattern.mask());
      }),
    );
    const large = patternKeeping([4, 4096], [1, 4], 'some', 3);
    expect(patternOfText(patternText(large), 'it').mask()).toEqual(large.mask());
  });

  it('costs 1.3 characters a kept block at 90%, and fewer than 2.6 at 99%', () => {
    const cost = (density: number) => {
      const grid = blockGrid([1024, 1024], [4, 4]);
      const random = randomValues(grid.blocks, 7);
      const mask = Uint8Array.from({ length: grid.blocks }, (_, at) => Number(random[at]! < 2 * density - 1));
      const pattern = patternOf(grid, mask);
      const { pointers, indices } = patternText(pattern);
      return (pointers.length + indices.length) / pattern.blocks;
    };
    expect(cost(0.1)).toBeLessThan(1.35);
    expect(cost(0.01)).toBeLessThan(2.6);
  });
});

describe('a damaged pattern', () => {
  it.each([
    ['nothing', undefined, 'its matrixShape is missing'],
    ['a matrix of one axis', { ...text, matrixShape: [6] }, 'its matrixShape is [6], not two whole numbers'],
    ['a fractional block', { ...text, blockShape: [2, 1.5] }, 'its blockShape is [2,1.5], not two whole'],
    ['a negative size', { ...text, matrixShape: [6, -40] }, 'its matrixShape is [6,-40]'],
    ['a block too large', { ...text, blockShape: [8, 2] }, 'A block of 8×2 is larger than the 6×40 kernel'],
    [
      'pointers that are no text',
      { ...text, pointers: [0, 3, 3, 4] },
      'its pointers are [0,3,3,4], not text',
    ],
    ['indices that are missing', { ...text, indices: undefined }, 'its indices are missing, not text'],
    ['garbage in the pointers', { ...text, pointers: '3*1' }, "'*' in its pointers is no digit from 0 to v"],
    ['another case', { ...text, indices: '02FH1' }, "'F' in its indices is no digit from 0 to v"],
    ['pointers cut off', { ...text, pointers: '30' }, 'it has 4 block indices, its pointers are of 3 blocks'],
    ['a row too few', { ...text, pointers: '31' }, 'of 3 block rows has 4 pointers, not 3'],
    ['indices cut off', { ...text, indices: '02f' }, 'of 3 blocks go from 0 to 3, not from 0 to 4'],
    ['indices cut off within a number', { ...text, indices: '02fh' }, 'its indices end within a number'],
    [
      'indices too many',
      { ...text, indices: '02fh10' },
      'it has 5 block indices, its pointers are of 4 blocks',
    ],
    [
      'an index beyond the last column',
      { ...text, indices: '02fk1' },
      'lies in block column 20: the kernel has those from 0 to 19',
    ],
    [
      'a number beyond all bounds',
      { ...text, indices: 'vvvvvvvvvvvv1' },
      'its indices hold a number of 2147483648 or more',
    ],
  ])('is refused: %s', (_, damaged, message) => {
    expect(() => patternOfText(damaged, 'dense_1/kernel')).toThrow(message);
    expect(() => patternOfText(damaged, 'dense_1/kernel')).toThrow(
      'The block pattern of dense_1/kernel is damaged',
    );
  });
});
