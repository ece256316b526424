import { describe, expect, it } from 'vitest';

import { parseIdx } from './idx.js';

/** An IDX header by hand: two zero bytes, the type, the number of axes, big-endian sizes. */
const header = (type: number, ...sizes: number[]) => [
  0,
  0,
  type,
  sizes.length,
  ...sizes.flatMap((size) => [0, 0, 0, size]),
];

describe('parseIdx', () => {
  it('reads the shape and the elements, row by row', () => {
    const { shape, values } = parseIdx(Uint8Array.from([...header(8, 2, 3), 1, 2, 3, 4, 5, 6]), 'f');
    expect(shape).toEqual([2, 3]);
    expect([...values]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('reads a view into a larger buffer', () => {
    const bytes = Uint8Array.from([9, 9, ...header(8, 1), 7, 9]).subarray(2, -1);
    expect([...parseIdx(bytes, 'f').values]).toEqual([7]);
  });

  const refusals: [string, number[], string][] = [
    ['another format', [1, 2, 3, 4], 'f is not an IDX file of unsigned bytes'],
    ['elements of another type', [...header(13, 1), 0, 0, 0, 0], 'f is not an IDX file of unsigned bytes'],
    ['nothing at all', [], 'f is not an IDX file of unsigned bytes'],
    [
      'a file cut within its header',
      header(8, 2, 3).slice(0, 9),
      'f is truncated: it ends within its header',
    ],
    [
      'a file cut within its elements',
      [...header(8, 2, 3), 1, 2],
      'f is truncated: 14 bytes where [2, 3] needs 18',
    ],
    [
      'a file with more than its elements',
      [...header(8, 1), 1, 2],
      'f is too long: 10 bytes where [1] needs 9',
    ],
  ];
  it.each(refusals)('refuses %s', (_, bytes, message) => {
    expect(() => parseIdx(Uint8Array.from(bytes), 'f')).toThrow(message);
  });
});
