import { describe, expect, it } from 'vitest';

import { permutation, random } from './random.js';

const draw = (count: number, next: () => number) => Array.from({ length: count }, next);

describe('random', () => {
  it('gives the same numbers for the same seed and purpose, others for another', () => {
    const numbers = (seed: number, purpose: string) => draw(5, random(seed, purpose).uniform);
    expect(numbers(1, 'a')).toEqual(numbers(1, 'a'));
    expect(numbers(1, 'a')).not.toEqual(numbers(2, 'a'));
    expect(numbers(1, 'a')).not.toEqual(numbers(1, 'b'));
  });

  it('is standard normal: mean 0, variance 1, 68.27% within one deviation', () => {
    const count = 100_000;
    const values = draw(count, random(0, 'normal').normal);
    const mean = values.reduce((a, b) => a + b) / count;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
    const within = values.filter((value) => Math.abs(value) < 1).length / count;
    // Five standard errors: 1/√n, √(2/n), √(p(1 − p)/n).
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
    expect(Math.abs(within - 0.6827)).toBeLessThan(5 * Math.sqrt((0.6827 * 0.3173) / count));
  });
});

describe('permutation', () => {
  it('holds every number once', () => {
    expect([...permutation(100, random(0, 'p'))].sort((a, b) => a - b)).toEqual(
      draw(
        100,
        (
          (i) => () =>
            i++
        )(0),
      ),
    );
  });

  it('gives every order of three about equally often', () => {
    const counts = new Map<string, number>();
    const stream = random(0, 'orders');
    for (let i = 0; i < 6000; i++) {
      const order = permutation(3, stream).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // χ² with 5 degrees of freedom exceeds 20.5 once in a thousand.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(20.5);
  });
});
