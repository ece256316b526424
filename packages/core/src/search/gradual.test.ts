import { describe, expect, it } from 'vitest';

import { gradual } from './gradual.js';
import { oneShot } from './one-shot.js';
import { boundaries } from '../test-support.js';

describe('one-shot and gradual searches', () => {
  it('prune once after the dense share', () => {
    expect(boundaries(oneShot({ dense: 0.75 }), 8)).toBe('dense 0, sparse 6, 8');
    expect(() => oneShot({ dense: 1 })).toThrow(
      'oneShot(): dense = 1, and is to be a share of training, a number in (0, 1)',
    );
    expect(() => oneShot({ dense: Number.NaN })).toThrow('dense = NaN');
  });

  it('prune by the cubic from start to end', () => {
    const search = gradual({ start: 0.2, end: 0.6 });
    expect(boundaries(search, 10)).toBe('dense 0, sparsification 2, sparse 6, 10');
    expect(boundaries(gradual({ start: 0, end: 1 }), 10)).toBe('sparsification 0, 10');
    expect(search.phases[1]?.curve(0.5)).toBe(0.875);
  });

  it.each([
    [-0.1, 0.5, 'gradual(): start = -0.1, and is to be a share of training, a number in [0, 1)'],
    [0.5, 0.5, 'gradual(): start = 0.5 is not before end = 0.5'],
    [0.5, 1.1, 'gradual(): end = 1.1, and is to be a share of training, a number in (0, 1]'],
    [Number.NaN, 0.5, 'gradual(): start = NaN, and is to be a share of training, a number in [0, 1)'],
  ])('refuse to start at %s and end at %s', (start, end, message) => {
    expect(() => gradual({ start, end })).toThrow(new RangeError(message));
  });
});
