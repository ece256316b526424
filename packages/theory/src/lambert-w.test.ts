import { describe, expect, it } from 'vitest';
import { lambertW } from './lambert-w.js';

describe('lambertW', () => {
  it('solves W·e^W = x from 1e-300 to 1e300', () => {
    for (let exponent = -300; exponent <= 300; exponent += 7) {
      const x = 1.7 * 10 ** exponent;
      const w = lambertW(x);
      expect(Math.abs(w + Math.log(w) - Math.log(x))).toBeLessThan(
        1e-15 * Math.max(2, 2 * Math.abs(Math.log(x))),
      );
    }
  });

  it('is n at n·e^n', () => {
    for (const n of [1, 2, 5, 20]) expect(lambertW(n * Math.exp(n))).toBeCloseTo(n, 14);
  });

  it('is 0 at 0 and the omega constant at 1', () => {
    expect(lambertW(0)).toBe(0);
    expect(lambertW(1)).toBeCloseTo(0.5671432904097838, 15);
  });

  it('agrees with SciPy 1.17', () => {
    const scipy: [number, number][] = [
      [1e-8, 9.999999900000002e-9],
      [0.1, 0.09127652716086226],
      [0.5, 0.35173371124919584],
      [2, 0.8526055020137254],
      [10, 1.7455280027406994],
      [100, 3.38563014029005],
      [1e6, 11.383358086140053],
    ];
    for (const [x, w] of scipy) expect(Math.abs(lambertW(x) / w - 1)).toBeLessThan(4e-16);
  });

  it('refuses what lies outside, naming it', () => {
    expect(() => lambertW(-0.1)).toThrow('Lambert W is asked at -0.1');
    expect(() => lambertW(NaN)).toThrow(RangeError);
    expect(() => lambertW(Infinity)).toThrow(RangeError);
  });
});
