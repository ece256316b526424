import { describe, expect, it } from 'vitest';
import { absoluteValue, logarithm, power, unnormalisedSoftmax } from './curves.js';

const curves = [absoluteValue, power(0.3), power(2 / 3), power(2), logarithm, unnormalisedSoftmax];

describe.each(curves)('q = $name', (q) => {
  it('has the slope and the bend that central differences give', () => {
    for (const a of [0.2, 0.9, 1.3, 4, 30]) {
      const h = 1e-5 * a;
      expect(q.slope(a)).toBeCloseTo((q.value(a + h) - q.value(a - h)) / (2 * h), 7);
      expect(q.bend(a)).toBeCloseTo((q.slope(a + h) - q.slope(a - h)) / (2 * h), 7);
    }
  });

  it('is 0 at 0 and is undone by its inverse', () => {
    expect(q.value(0)).toBe(0);
    for (const a of [1e-3, 0.5, 2, 50]) expect(q.inverse(q.value(a)) / a).toBeCloseTo(1, 9);
  });
});

describe('the unnormalised softmax', () => {
  it('is the least decay of a mask e^w and a β with e^w·‖β‖ = a, found by brute force', () => {
    for (const a of [0.05, 0.7, 3, 40]) {
      let least = Infinity;
      for (let w = 0; w <= 5; w += 1e-5) least = Math.min(least, w * w + (a * Math.exp(-w)) ** 2);
      expect(unnormalisedSoftmax.value(a)).toBeCloseTo(least, 8);
    }
  });

  it('has an inflection at a = √(e/2) and bends down most, by 0.0949, at W = √3', () => {
    expect(unnormalisedSoftmax.bend(Math.sqrt(Math.E / 2))).toBeCloseTo(0, 14);
    const bends = Array.from({ length: 4000 }, (_, i) => unnormalisedSoftmax.bend(0.005 * (i + 1)));
    const steepest = 2 * Math.exp(-Math.sqrt(3)) * ((1 - Math.sqrt(3)) / (1 + Math.sqrt(3)));
    expect(Math.min(...bends)).toBeCloseTo(steepest, 6);
    expect(steepest).toBeCloseTo(-0.0948, 4);
  });

  it('is not subadditive: near 0 it is a², so that doubling a quadruples it', () => {
    expect(unnormalisedSoftmax.value(2e-3) / unnormalisedSoftmax.value(1e-3)).toBeCloseTo(4, 4);
  });
});

it('refuses powers that do not increase from 0', () => {
  expect(() => power(0)).toThrow('The power p = 0');
  expect(() => power(-1)).toThrow(RangeError);
  expect(() => power(NaN)).toThrow(RangeError);
});
