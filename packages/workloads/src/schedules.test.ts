import { describe, expect, it } from 'vitest';

import { cosineDecay, withWarmUp } from './index.js';

describe('withWarmUp', () => {
  it('grows evenly to the first rate, and then runs through the whole schedule', () => {
    const rate = withWarmUp({ share: 0.2 }, cosineDecay(1));
    // From a tenth; half of the way is 0.55. Half of what is left of training is at 0.2 + 0.4.
    const expected = [0.1, 0.55, 1, 0.5, 0];
    [0, 0.1, 0.2, 0.6, 1].forEach((t, i) => expect(rate(t)).toBeCloseTo(expected[i]!, 12));
    expect(withWarmUp({ share: 0.5, from: 0.5 }, () => 2)(0.25)).toBe(1.5);
  });

  it('refuses what is no warm-up', () => {
    expect(() => withWarmUp({ share: 1 }, cosineDecay(1))).toThrow('share = 1, and is to be a share');
    expect(() => withWarmUp({ share: 0.1, from: 2 }, cosineDecay(1))).toThrow('from = 2');
    expect(() => withWarmUp({ share: 0.1 }, 0.1 as never)).toThrow('withWarmUp(): schedule = 0.1');
  });
});
