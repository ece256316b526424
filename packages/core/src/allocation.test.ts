import { blockGrid, DivergedError } from '@espalier/blocks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  blocksToKeep,
  erdosRenyiDensities,
  erdosRenyiKernel,
  global,
  uniform,
  type AllocationLayer,
} from './allocation.js';

/** A layer of a `1 × G` grid with these scores. */
function layer(scores: readonly number[], kernelShape = [1, scores.length]): AllocationLayer {
  return { grid: blockGrid([1, scores.length], [1, 1]), kernelShape, scores };
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

describe('uniform allocation', () => {
  it('keeps max(1, round(G · d)) blocks of each layer', () => {
    // 1568 · 0.1 = 156.8; 400 · 0.05 = 20; 100 · 0.005 = 0.5, and 3 · 0.1 = 0.3, which is held at 1.
    expect(blocksToKeep(1568, 0.9)).toBe(157);
    expect(blocksToKeep(400, 0.95)).toBe(20);
    expect(blocksToKeep(3, 0.9)).toBe(1);
    expect(blocksToKeep(100, 0)).toBe(100);
    expect(blocksToKeep(100, 0.999)).toBe(1);
    expect(uniform.keep([layer(Array(100).fill(0)), layer(Array(40).fill(9))], 0.9)).toEqual([10, 4]);
  });
});

describe('blocksToKeep', () => {
  /** max(1, ⌊(2 G (10ᵈ − m) + 10ᵈ) / (2 · 10ᵈ)⌋) for the sparsity m / 10ᵈ, in whole numbers. */
  function byWholeNumbers(blocks: number, m: number, digits: number): number {
    const unit = 10n ** BigInt(digits);
    const kept = (2n * BigInt(blocks) * (unit - BigInt(m)) + unit) / (2n * unit);
    return Math.max(1, Number(kept));
  }
  const wrong = (blocks: number, m: number, digits: number) =>
    blocksToKeep(blocks, Number(`${m}e-${digits}`)) !== byWholeNumbers(blocks, m, digits);

  it('rounds halves up, where the product of doubles falls short of them', () => {
    expect([15 * (1 - 0.9), blocksToKeep(15, 0.9)]).toEqual([expect.closeTo(1.5, 12), 2]);
    expect(15 * (1 - 0.9)).toBeLessThan(1.5);
    expect(blocksToKeep(5, 0.9)).toBe(1);
    expect(blocksToKeep(1_000_000, 0.9999995)).toBe(1);
  });

  it('is what whole numbers give for every sparsity of three digits and up to 700 blocks', () => {
    for (let m = 0; m < 1000; m++) {
      for (let blocks = 1; blocks <= 700; blocks++)
        if (wrong(blocks, m, 3)) expect.fail(`${blocks}, ${m}e-3`);
    }
  });

  it.each([1, 3, 49, 500, 1568, 262_144, 1_500_000, 15_000_000, 99_999_999])(
    'is what whole numbers give of %s blocks for every sparsity of six digits',
    (blocks) => {
      // One step in seven passes through all remainders: 7 divides no power of ten.
      for (let m = 0; m < 1_000_000; m += blocks === 500 ? 1 : 7) {
        if (wrong(blocks, m, 6)) expect.fail(`${blocks}, ${m}e-6`);
      }
    },
  );
});

describe('global allocation', () => {
  it('keeps the highest scores of all layers together', () => {
    // 8 blocks at 50%: 4 are kept, 9, 8, 7 and 6.
    expect(global.keep([layer([9, 8, 7, 1]), layer([6, 5, 4, 3])], 0.5)).toEqual([3, 1]);
  });

  it('keeps the best block of a layer that would be erased', () => {
    expect(global.keep([layer([9, 8, 7, 6]), layer([5, 4, 3, 2])], 0.5)).toEqual([3, 1]);
    expect(global.keep([layer([9, 8]), layer([1, 2]), layer([3, 4])], 0.99)).toEqual([1, 1, 1]);
  });

  it('gives nothing for blocks that may not be kept', () => {
    expect(global.keep([layer([-Infinity, 1, -Infinity, 2]), layer([9, 8, 7, 6])], 0.5)).toEqual([1, 3]);
  });

  it('takes NaN for divergence, wherever it stands', () => {
    for (const scores of [
      [1, Number.NaN],
      [Number.NaN, 1],
      [Number.NaN, Number.NaN],
    ]) {
      expect(() => global.keep([layer(scores), layer([1, 1])], 0.5)).toThrow(DivergedError);
      expect(() => global.keep([layer([1, 1]), layer(scores)], 0.01)).toThrow(DivergedError);
    }
  });

  it('keeps what a sort of all scores would, the best of each layer apart, the earlier of equals first', () => {
    const score = fc.constantFrom(-Infinity, -1, -0, 0, 1, 1 + 2 ** -40, 2, Infinity);
    const scores = fc.array(score, { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(
        fc.array(scores, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 99 }),
        fc.boolean(),
        (all, percent, single) => {
          const layers = all.map((own) => ({
            ...layer(own),
            scores: single ? Float32Array.from(own) : Float64Array.from(own),
          }));
          const ranked = layers.flatMap(({ scores: own }, i) => {
            const best = own.indexOf(Math.max(...own.map((value) => value + 0)));
            return Array.from(own, (value) => ({ i, value })).filter((_one, block) => block !== best);
          });
          ranked.sort((a, b) => (a.value === b.value ? 0 : a.value > b.value ? -1 : 1));
          const budget = Math.max(all.length, blocksToKeep(ranked.length + all.length, percent / 100));
          const kept = all.map(() => 1);
          for (const { i } of ranked.slice(0, budget - all.length)) kept[i]! += 1;
          expect(global.keep(layers, percent / 100)).toEqual(kept);
        },
      ),
    );
  });

  it('always spends the whole budget, at least one block a layer and no more than it has', () => {
    const scores = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(scores, { minLength: 1, maxLength: 4 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (all, s) => {
          const kept = global.keep(
            all.map((own) => layer(own)),
            s,
          );
          const blocks = sum(all.map(({ length }) => length));
          expect(sum(kept)).toBe(Math.max(all.length, blocksToKeep(blocks, s)));
          kept.forEach((k, i) => {
            expect(k).toBeGreaterThanOrEqual(1);
            expect(k).toBeLessThanOrEqual((all[i] as number[]).length);
          });
        },
      ),
    );
  });
});

describe('Erdős–Rényi kernel allocation', () => {
  // 10 × 10: Σ/Π = 20/100 = 0.2. 100 × 100: 200/10000 = 0.02. Weights 100 and 10000.
  const shapes = [
    [10, 10],
    [100, 100],
  ];
  const sizes = [100, 10_000];

  it('shares the budget in proportion to Σ dims / Π dims', () => {
    // ε = 1010 / (100 · 0.2 + 10000 · 0.02) = 1010 / 220.
    const [small, large] = erdosRenyiDensities(shapes, sizes, 0.9) as [number, number];
    expect(small).toBeCloseTo((0.2 * 1010) / 220, 12);
    expect(large).toBeCloseTo((0.02 * 1010) / 220, 12);
  });

  it('makes a layer dense whose density would pass 1, and gives the others the rest', () => {
    // ε = 2020 / 220 would give the small layer 1.84; it takes 100, the large one 1920 of 10000.
    const [small, large] = erdosRenyiDensities(shapes, sizes, 0.8) as [number, number];
    expect(small).toBe(1);
    expect(large).toBeCloseTo(0.192, 12);
  });

  it('goes on when the rescaling itself drives a layer over density 1', () => {
    // Budget 1105 of 10150. First ε = 1105 / (50 · 0.24 + 100 · 0.21 + 10000 · 0.02) = 4.742: 1.14, 0.996, 0.095, and
    // the first becomes dense. Then ε = 1055 / 221 = 4.774: 1.0025 for the second. Then 955 blocks for the third.
    const three = [
      [5, 5, 2],
      [10, 10, 1],
      [100, 100],
    ];
    const blocks = [50, 100, 10_000];
    expect(erdosRenyiDensities(three, blocks, 1 - 1105 / 10_150)).toEqual([1, 1, expect.closeTo(0.0955, 9)]);
  });

  it('counts every axis of a convolution kernel', () => {
    // [3, 3, 16, 32]: 54 / 4608; [1, 1, 32, 64]: 98 / 2048.
    const [a, b] = erdosRenyiDensities(
      [
        [3, 3, 16, 32],
        [1, 1, 32, 64],
      ],
      [4608, 2048],
      0.9,
    ) as [number, number];
    expect(a / b).toBeCloseTo(54 / 4608 / (98 / 2048), 12);
    expect(4608 * a + 2048 * b).toBeCloseTo(0.1 * (4608 + 2048), 9);
  });

  it('agrees with a bisection for ε in Σ size · min(1, ε · raw) = budget', () => {
    const dims = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(dims, fc.integer({ min: 1, max: 500 })), { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (layers, sparsity) => {
          const raw = layers.map(([own]) => sum(own) / own.reduce((a, b) => a * b, 1));
          const size = layers.map(([, blocks]) => blocks);
          const budget = (1 - sparsity) * sum(size);
          const spent = (e: number) => sum(size.map((s, i) => s * Math.min(1, e * (raw[i] as number))));
          let [low, high] = [0, 1e9];
          for (let i = 0; i < 200; i++) {
            const middle = (low + high) / 2;
            if (spent(middle) < budget) low = middle;
            else high = middle;
          }
          const densities = erdosRenyiDensities(
            layers.map(([own]) => own),
            size,
            sparsity,
          );
          densities.forEach((d, i) => expect(d).toBeCloseTo(Math.min(1, low * (raw[i] as number)), 6));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps everything at sparsity 0, and at least one block of each layer', () => {
    const layers = [layer(Array(100).fill(0), [10, 10]), layer(Array(400).fill(0), [200, 200])];
    expect(erdosRenyiKernel.keep(layers, 0)).toEqual([100, 400]);
    expect(erdosRenyiKernel.keep(layers, 0.9999)).toEqual([1, 1]);
    expect(uniform.byScore || erdosRenyiKernel.byScore).toBe(false);
  });
});
