import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  alternating,
  alternatingWithSparsification,
  criteoPlan,
  densePhase,
  gradual,
  imagenetPlan,
  namedPlan,
  oneShot,
  phaseAt,
  placePhases,
  progressAt,
  selectsAt,
  sparsePhase,
  sparsificationPhase,
  type Phase,
  type Search,
} from './search.js';

/** `name start` of each phase, and the end of the last. */
function boundaries({ phases }: Search, totalSteps: number): string {
  const placed = placePhases(phases, totalSteps);
  return [...placed.map(({ phase, start }) => `${phase.name} ${start}`), placed.at(-1)?.end].join(', ');
}

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
    const message = `cycles = ${cycles} is not a whole number of at least 1`;
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
    expect(() => alternating({ ...plan, ...part })).toThrow(`${name} ${value}`);
    expect(() => alternatingWithSparsification({ ...plan, ...part })).toThrow(`${name} ${value}`);
  });

  it('refuses parts that are not above 0', () => {
    const split = { sparsification: 1, sparse: 0, dense: 1 };
    expect(() => alternatingWithSparsification(plan, { split })).toThrow(
      '{"sparsification":1,"sparse":0,"dense":1}',
    );
    expect(() => alternating(plan, { denseShare: 1 })).toThrow('denseShare = 1 is not above 0 and under 1');
  });

  it('refuses the name of a plan that there is not, and names those that there are', () => {
    const plans = { imagenet: imagenetPlan, criteo: criteoPlan };
    expect(namedPlan('criteo', plans)).toBe(criteoPlan);
    for (const name of ['imagnet', 'toString']) {
      expect(() => namedPlan(name as 'criteo', plans)).toThrow(
        `There is no plan '${name}': choose imagenet or criteo, or pass one of your own`,
      );
    }
  });
});

describe('one-shot and gradual searches', () => {
  it('prune once after the dense share', () => {
    expect(boundaries(oneShot({ dense: 0.75 }), 8)).toBe('dense 0, sparse 6, 8');
    expect(() => oneShot({ dense: 1 })).toThrow('dense = 1 is not above 0 and under 1');
    expect(() => oneShot({ dense: Number.NaN })).toThrow('dense = NaN');
  });

  it('prune by the cubic from start to end', () => {
    const search = gradual({ start: 0.2, end: 0.6 });
    expect(boundaries(search, 10)).toBe('dense 0, sparsification 2, sparse 6, 10');
    expect(boundaries(gradual({ start: 0, end: 1 }), 10)).toBe('sparsification 0, 10');
    expect(search.phases[1]?.curve(0.5)).toBe(0.875);
  });

  it.each([
    [-0.1, 0.5],
    [0.5, 0.5],
    [0.5, 1.1],
    [Number.NaN, 0.5],
  ])('refuse to start at %s and end at %s', (start, end) => {
    expect(() => gradual({ start, end })).toThrow(
      `start ${start} and end ${end} must satisfy 0 ≤ start < end ≤ 1`,
    );
  });
});

describe('placePhases', () => {
  const phases = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 25 }).map((parts) => {
    const whole = parts.reduce((a, b) => a + b);
    return parts.map((part) => densePhase(part / whole));
  });

  it('tiles the steps with phases within a step of their share, or refuses naming steps that do suffice', () => {
    fc.assert(
      fc.property(phases, fc.integer({ min: 1, max: 500 }), (plan, totalSteps) => {
        let placed;
        try {
          placed = placePhases(plan, totalSteps);
        } catch (error) {
          const { message } = error as Error;
          expect(message).toContain(`${plan.length} phases do not fit into ${totalSteps} steps`);
          const enough = Number(/Train (\d+) steps or more/.exec(message)?.[1]);
          for (const steps of [enough, enough + 1, 2 * enough])
            expect(placePhases(plan, steps)).toHaveLength(plan.length);
          return;
        }
        placed.forEach(({ phase, start, end }, i) => {
          expect(start).toBe(placed[i - 1]?.end ?? 0);
          expect(end).toBeGreaterThan(start);
          expect(Math.abs(end - start - phase.length * totalSteps)).toBeLessThanOrEqual(1 + 1e-9);
        });
        expect(placed.at(-1)?.end).toBe(totalSteps);
      }),
      { numRuns: 300 },
    );
  });

  it('names the phase that would have no step', () => {
    expect(() => placePhases(alternatingWithSparsification(criteoPlan).phases, 20)).toThrow(
      '30 phases do not fit into 20 steps: phase 2 (sparsification, 2.0% of training) would have none. Train 5',
    );
  });

  it.each([0, -5, 1.5, Number.NaN, Infinity])('refuses totalSteps = %s', (totalSteps) => {
    expect(() => placePhases([densePhase(1)], totalSteps)).toThrow(
      `totalSteps = ${totalSteps} is not a whole number of at least 1`,
    );
  });

  it('refuses lengths that do not sum to 1, or are no share', () => {
    expect(() => placePhases([densePhase(0.5), sparsePhase(0.25)], 10)).toThrow('sum to 0.75, not to 1');
    expect(() => placePhases([], 10)).toThrow('sum to 0, not to 1');
    expect(() => placePhases([densePhase(1), sparsePhase(0)], 10)).toThrow(
      'Phase 2 (sparse) takes 0 of training',
    );
    expect(() => placePhases([densePhase(1.5), sparsePhase(-0.5)], 10)).toThrow(
      'Phase 2 (sparse) takes -0.5',
    );
  });

  it.each([0, 2.5, Number.NaN])('refuses to select every %s steps', (everySteps) => {
    expect(() => placePhases(gradual({ everySteps }).phases, 100)).toThrow(
      `Phase 2 (sparsification) selects every ${everySteps} steps`,
    );
  });
});

describe('a step of a run', () => {
  const placed = placePhases([densePhase(0.2), sparsificationPhase(0.4, (t) => t), sparsePhase(0.4)], 10);

  it('belongs to the phase it lies in, and to the last one after the end', () => {
    const names = [0, 1, 2, 5, 6, 9, 10, 99].map((step) => phaseAt(placed, step).phase.name);
    expect(names).toEqual([
      'dense',
      'dense',
      'sparsification',
      'sparsification',
      'sparse',
      'sparse',
      'sparse',
      'sparse',
    ]);
  });

  it('has progress from 0 at the start of its phase to 1 at its end', () => {
    const phase = phaseAt(placed, 2);
    expect([2, 3, 4, 5, 6, 7].map((step) => progressAt(phase, step))).toEqual([0, 0.25, 0.5, 0.75, 1, 1]);
  });

  it('selects a mask at the start of a phase, and within it only where the phase says so', () => {
    const at = (selection: Phase['selection'], length: number) => {
      const phase = { phase: { ...sparsificationPhase(1, (t) => t), selection }, start: 5, end: 5 + length };
      return Array.from({ length }, (_, i) => i).filter((i) => selectsAt(phase, 5 + i));
    };
    expect(at('at start', 50)).toEqual([0]);
    expect(at({ everySteps: 20 }, 50)).toEqual([0, 20, 40]);
    expect(at('gradually', 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(at('gradually', 5000)).toHaveLength(100);
    expect(at('gradually', 179).length).toBeLessThanOrEqual(150);
  });
});

describe('a phase that selects every so many steps', () => {
  const every = (everySteps: number): Phase[] => [
    { ...densePhase(0.5), selection: { everySteps } },
    sparsePhase(0.5),
  ];

  it('is refused where it is too short to select a second time', () => {
    expect(() => placePhases(every(10), 20)).toThrow(
      'Phase 1 (dense) selects every 10 steps, and has 10: select more often, or train longer',
    );
    expect(placePhases(every(10), 22)).toHaveLength(2);
    expect(placePhases(every(1), 2)).toHaveLength(2); // at every step there is
  });
});
