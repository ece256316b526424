import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { cubic, exponential } from './curves.js';

describe('the sparsification curve of SequentialAttention++', () => {
  it("reaches the paper's sparsities at a quarter, half and three quarters for s = 0.9, c = 4", () => {
    const sparsities = [0.25, 0.5, 0.75].map((t) => 0.9 * exponential(4)(t));
    [0.579523, 0.792717, 0.871147].forEach((expected, i) => expect(sparsities[i]).toBeCloseTo(expected, 6));
  });

  it('has c = 4 when none is given', () => {
    expect(exponential()(0.5)).toBe(exponential(4)(0.5));
  });

  it('starts at exactly 0, ends at exactly 1 and rises ever more slowly, whatever c', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 30, noNaN: true }), (c) => {
        const curve = exponential(c);
        const steps = Array.from({ length: 10 }, (_, i) => curve((i + 1) / 10) - curve(i / 10));
        expect(curve(0)).toBe(0);
        expect(curve(1)).toBe(1);
        steps.forEach((step, i) => expect(step).toBeLessThanOrEqual((steps[i - 1] ?? Infinity) + 1e-12));
      }),
      { numRuns: 50 },
    );
  });

  it.each([0, -4, Number.NaN, Infinity])('refuses c = %s by name and value', (c) => {
    expect(() => exponential(c)).toThrow(
      `exponential(): c = ${c}, and is to be the sparsification curve's constant, a number in (0, ∞)`,
    );
  });
});

describe("GMP's cubic", () => {
  it("reaches the paper's sparsities at a quarter, half and three quarters for s = 0.9", () => {
    expect([0, 0.25, 0.5, 0.75, 1].map((t) => 0.9 * cubic(t))).toEqual([
      0,
      expect.closeTo(0.5203125, 12),
      expect.closeTo(0.7875, 12),
      expect.closeTo(0.8859375, 12),
      0.9,
    ]);
  });
});
