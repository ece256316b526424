import { describe, expect, it } from 'vitest';

import { pairedDifference, spread } from './statistics.js';

describe('spread', () => {
  it('is the mean and the sample standard deviation', () => {
    // Deviations −2, 0, 2 from 5: variance (4 + 0 + 4) / (3 − 1) = 4.
    expect(spread([3, 5, 7])).toEqual({ mean: 5, deviation: 2, count: 3 });
  });

  it('has no deviation of one value, and is nothing of none', () => {
    expect(spread([4])).toEqual({ mean: 4, deviation: null, count: 1 });
    expect(spread([])).toBeNull();
  });
});

describe('pairedDifference', () => {
  it("has Student's 95% interval over the seeds that both have", () => {
    const a = new Map([
      [0, 2],
      [1, 5],
      [2, 8],
      [9, 100],
    ]);
    const b = new Map([
      [0, 1],
      [1, 3],
      [2, 5],
    ]);
    // Differences 1, 2, 3: mean 2, deviation 1; t(0.975, 2) = 4.302653 by the printed tables.
    const difference = pairedDifference(a, b);
    expect(difference?.mean).toBe(2);
    expect(difference?.halfWidth).toBeCloseTo(4.302653 / Math.sqrt(3), 5);
  });

  it('has no interval from a single seed, and is nothing without a common one', () => {
    expect(pairedDifference(new Map([[0, 3]]), new Map([[0, 1]]))).toEqual({ mean: 2, halfWidth: null });
    expect(pairedDifference(new Map([[0, 3]]), new Map([[1, 1]]))).toBeNull();
  });
});
