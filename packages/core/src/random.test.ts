import { describe, expect, it } from 'vitest';

import { assertSeed, deriveSeed, randomNumbers } from './random.js';

describe('random numbers', () => {
  it('are those of the reference mulberry32', () => {
    // bryc/code, PRNGs.md: mulberry32(1), first three.
    expect([...randomNumbers(3, 1)].map((x) => x.toFixed(10))).toEqual([
      '0.6270739406',
      '0.0027357212',
      '0.5274470400',
    ]);
  });

  it('are the same for the same seed, and spread evenly from 0 to 1', () => {
    const numbers = randomNumbers(10_000, 7);
    expect(randomNumbers(10_000, 7)).toEqual(numbers);
    const tenths = new Array<number>(10).fill(0);
    for (const x of numbers) tenths[Math.floor(10 * x)] = (tenths[Math.floor(10 * x)] as number) + 1;
    // A tenth holds 1000 ± 30: five standard deviations.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('a derived seed', () => {
  it('differs by seed and by purpose, in their order, and is never 0', () => {
    const seeds: number[] = [];
    for (let seed = 0; seed < 20; seed++) {
      for (let kernel = 0; kernel < 20; kernel++) {
        for (let round = 0; round < 20; round++) seeds.push(deriveSeed(seed, kernel, round));
      }
    }
    expect(new Set(seeds).size).toBe(8000);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed > 0 && seed < 2 ** 32)).toBe(true);
    expect(deriveSeed(3, 1, 2)).toBe(deriveSeed(3, 1, 2));
  });
});

describe('a seed', () => {
  it.each([-1, 1.5, Number.NaN, 2 ** 32])('of %s is refused', (seed) => {
    expect(() => assertSeed(seed)).toThrow(`seed = ${seed} is not a whole number from 0 to 4294967295`);
  });
});
