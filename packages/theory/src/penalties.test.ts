import { describe, expect, it } from 'vitest';
import { absoluteValue, logarithm, power, unnormalisedSoftmax } from './curves.js';
import { inverseOfSum, sparing, sumOf, type GroupPenalty } from './penalties.js';

/** `argmin over a ≥ 0 of ½(a − length)² + weight·P`, on a grid that gets ten times finer around its best point. */
function bruteForce(penalty: GroupPenalty, norms: number[], group: number, length: number, weight: number) {
  const h = (a: number) => (a - length) ** 2 / 2 + weight * penalty.value(norms.with(group, a));
  let best = 0;
  const look = (from: number, to: number, count: number) => {
    for (let i = 0; i <= count; i++) {
      const a = from + ((to - from) * i) / count;
      if (h(a) < h(best)) best = a;
    }
  };
  look(0, length, 2_000);
  for (let width = length / 2_000; width > 1e-9; width /= 10)
    look(Math.max(0, best - width), best + width, 40);
  return { a: best, value: h(best), h };
}

const penalties = [
  sumOf(absoluteValue),
  sumOf(power(0.5)),
  sumOf(power(2 / 3), 1.5 * 2 ** (1 / 3)),
  sumOf(logarithm),
  sumOf(unnormalisedSoftmax),
  inverseOfSum(absoluteValue),
  inverseOfSum(power(0.3)),
  inverseOfSum(power(0.5)),
  inverseOfSum(power(0.8)),
  inverseOfSum(logarithm),
];

describe.each(penalties)('the proximal step of $name', { timeout: 60_000 }, (penalty) => {
  it.each([
    ['beside a zero group', [0, 0]],
    ['beside a small group', [0, 0.05]],
    ['beside a large group', [0, 2]],
  ])('is the brute-force minimum, %s', (_, norms) => {
    for (const length of [0.03, 0.4, 1.1, 2.5, 7]) {
      for (const weight of [0.01, 0.2, 1, 3]) {
        const found = penalty.shrink(norms, 0, length, weight);
        const brute = bruteForce(penalty, norms, 0, length, weight);
        expect(found).toBeGreaterThanOrEqual(0);
        expect(brute.h(found)).toBeLessThanOrEqual(brute.value + 1e-13);
        expect(found).toBeCloseTo(brute.a, 5);
      }
    }
  });
});

describe('by hand', () => {
  it('group LASSO shortens [3, 4] at 1 to length 4, that is [2.4, 3.2]', () => {
    expect(sumOf(absoluteValue).shrink([0], 0, 5, 1)).toBe(4);
    expect(sumOf(absoluteValue).shrink([0], 0, 0.9, 1)).toBe(0);
  });

  it('(3/2)·2^(1/3)·a^(2/3) has slope (2/a)^(1/3), 1 at a = 2: it takes 3 to 2', () => {
    const penalty = sumOf(power(2 / 3), 1.5 * 2 ** (1 / 3));
    expect(penalty.shrink([0], 0, 3, 1)).toBeCloseTo(2, 14);
    expect(penalty.value([2])).toBeCloseTo(3, 14);
  });

  it('the softmax’s q at W = 1 is 3/4, with slope 1/a at a = √(e/2): it takes a + 1/a to a', () => {
    const a = Math.sqrt(Math.E / 2);
    expect(sumOf(unnormalisedSoftmax).value([a])).toBeCloseTo(0.75, 14);
    expect(sumOf(unnormalisedSoftmax).shrink([0], 0, a + 1 / a, 1)).toBeCloseTo(a, 14);
  });

  it('q⁻¹(Σ q) of 1 and 4 is 9 for √, 9 for log(1 + a), 5 for the absolute value', () => {
    expect(inverseOfSum(power(0.5)).value([1, 4])).toBeCloseTo(9, 14);
    expect(inverseOfSum(logarithm).value([1, 4])).toBeCloseTo(9, 14);
    expect(inverseOfSum(absoluteValue).value([1, 4])).toBe(5);
  });
});

it('a spared group keeps its length and counts for nothing', () => {
  const penalty = sparing(inverseOfSum(power(0.5)), [1]);
  expect(penalty.value([1, 100, 4])).toBeCloseTo(9, 14);
  expect(penalty.shrink([1, 100, 4], 1, 7, 3)).toBe(7);
  expect(penalty.shrink([1, 100, 0], 0, 7, 3)).toBe(4);
});
