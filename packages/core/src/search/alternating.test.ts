import { describe, expect, it } from 'vitest';

import { alternating } from './alternating.js';
import { criteoPlan, imagenetPlan, namedPlan } from './alternating-plan.js';
import { alternatingWithSparsification } from './alternating-with-sparsification.js';
import { placePhases } from './placing.js';
import { boundaries } from '../test-support.js';

describe("the paper's ImageNet plan: 10% dense, 7 cycles, the last extended by 5%, 15% sparse", () => {
  // 100 − 10 − 5 − 15 = 70 for 7 cycles of 10.
  it('under AC/DC has cycles of 5% sparse and 5% dense, the last dense phase of 10%', () => {
    expect(boundaries(alternating(imagenetPlan), 100)).toBe(
      'dense 0, sparse 10, dense 15, sparse 20, dense 25, sparse 30, dense 35, sparse 40, dense 45, ' +
        'sparse 50, dense 55, sparse 60, dense 65, sparse 70, dense 75, sparse 85, 100',
    );
  });

  it('under SequentialAttention++ has six cycles in three parts, then a sparsification phase of 15%', () => {
    // In 300 steps a cycle is 30, a part 10; the seventh cycle and its extension are 30 + 15.
    expect(boundaries(alternatingWithSparsification(imagenetPlan), 300)).toBe(
      'dense 0, ' +
        'sparsification 30, sparse 40, dense 50, sparsification 60, sparse 70, dense 80, ' +
        'sparsification 90, sparse 100, dense 110, sparsification 120, sparse 130, dense 140, ' +
        'sparsification 150, sparse 160, dense 170, sparsification 180, sparse 190, dense 200, ' +
        'sparsification 210, sparse 255, 300',
    );
  });

  it('lies at the nearest whole step of 1876, MNIST in four epochs of 469', () => {
    // In sixtieths of 5%: dense to 187.6; cycle i at 187.6 + 187.6 i; parts of 62.53; sparse from 85%, 1594.6.
    const starts = placePhases(alternatingWithSparsification(imagenetPlan).phases, 1876).map(
      ({ start }) => start,
    );
    const exact = [
      0,
      ...Array.from({ length: 18 }, (_, i) => (1876 * (30 + 10 * i)) / 300),
      (1876 * 210) / 300,
      (1876 * 255) / 300,
    ];
    expect(starts).toEqual(exact.map(Math.round));
  });
});

describe("the paper's Criteo plan: 20% dense, 10 cycles, 20% sparse", () => {
  // 100 − 20 − 20 = 60 for 10 cycles of 6.
  it('under AC/DC has cycles of 3% sparse and 3% dense', () => {
    const cycles = Array.from({ length: 10 }, (_, i) => `sparse ${20 + 6 * i}, dense ${23 + 6 * i}`);
    expect(boundaries(alternating(criteoPlan), 100)).toBe(`dense 0, ${cycles.join(', ')}, sparse 80, 100`);
  });

  it('under SequentialAttention++ has nine cycles in three parts of 2%, then a sparsification phase of 6%', () => {
    const cycles = Array.from(
      { length: 9 },
      (_, i) => `sparsification ${20 + 6 * i}, sparse ${22 + 6 * i}, dense ${24 + 6 * i}`,
    );
    expect(boundaries(alternatingWithSparsification(criteoPlan), 100)).toBe(
      `dense 0, ${cycles.join(', ')}, sparsification 74, sparse 80, 100`,
    );
  });
});

describe('a cycle', () => {
  const plan = { warmUp: 0.2, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 };

  it('splits by the ratios asked for', () => {
    const split = { sparsification: 1, sparse: 2, dense: 3 };
    expect(boundaries(alternatingWithSparsification(plan, { split }), 100)).toBe(
      'dense 0, sparsification 20, sparse 25, dense 35, sparsification 50, sparse 80, 100',
    );
    expect(boundaries(alternating(plan, { denseShare: 0.2 }), 100)).toBe(
      'dense 0, sparse 20, dense 44, sparse 50, dense 74, sparse 80, 100',
    );
  });

  it('can be the only one', () => {
    expect(boundaries(alternatingWithSparsification({ ...plan, cycles: 1 }), 10)).toBe(
      'dense 0, sparsification 2, sparse 8, 10',
    );
  });

  it.each([0, -1, 2.5, Number.NaN, Infinity])('refuses cycles = %s by name and value', (cycles) => {
    const message = `cycles = ${cycles}, and is to be a whole number from 1 to 100000`;
    expect(() => alternating({ ...plan, cycles })).toThrow(message);
    expect(() => alternatingWithSparsification({ ...plan, cycles })).toThrow(message);
  });

  it.each([
    { warmUp: 0 },
    { warmUp: 0.9 },
    { warmUp: Number.NaN },
    { fineTuning: -0.1 },
    { fineTuning: 0 },
    { lastCycleExtension: -0.1 },
  ])('refuses a plan with %j, and names it', (part) => {
    const [[name, value]] = Object.entries(part) as [[string, number]];
    expect(() => alternating({ ...plan, ...part })).toThrow(new RegExp(`${name} (= )?${value}`));
    expect(() => alternatingWithSparsification({ ...plan, ...part })).toThrow(
      new RegExp(`${name} (= )?${value}`),
    );
  });

  it('refuses parts that are not above 0', () => {
    const split = { sparsification: 1, sparse: 0, dense: 1 };
    expect(() => alternatingWithSparsification(plan, { split })).toThrow(
      'the split: sparse = 0, and is to be a part of a cycle, a number in (0, ∞)',
    );
    expect(() => alternating(plan, { denseShare: 1 })).toThrow(
      'denseShare = 1, and is to be the dense part of a cycle, a number in (0, 1)',
    );
  });

  it('refuses the name of a plan that there is not, and names those that there are', () => {
    const plans = { imagenet: imagenetPlan, criteo: criteoPlan };
    expect(namedPlan('criteo', plans)).toBe(criteoPlan);
    for (const name of ['imagnet', 'toString']) {
      expect(() => namedPlan(name as 'criteo', plans)).toThrow(
        `There is no plan '${name}' (a string): choose imagenet or criteo, or pass one of your own`,
      );
    }
  });
});
