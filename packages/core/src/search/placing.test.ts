import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { criteoPlan } from './alternating-plan.js';
import { alternatingWithSparsification } from './alternating-with-sparsification.js';
import { densePhase, sparsePhase, sparsificationPhase, type Phase } from './phases.js';
import { gathersFrom, phaseAt, placePhases, progressAt, selectsAt } from './placing.js';

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
      `totalSteps = ${totalSteps}, and is to be a whole number of at least 1`,
    );
  });

  it('refuses lengths that do not sum to 1, or are no share', () => {
    expect(() => placePhases([densePhase(0.5), sparsePhase(0.25)], 10)).toThrow('sum to 0.75, not to 1');
    expect(() => placePhases([], 10)).toThrow('sum to 0, not to 1');
    expect(() => placePhases([densePhase(1), { ...sparsePhase(1), length: 0 }], 10)).toThrow(
      'Phase 2 (sparse) takes 0 of training',
    );
    expect(() =>
      placePhases(
        [
          { ...densePhase(1), length: 1.5 },
          { ...sparsePhase(1), length: -0.5 },
        ],
        10,
      ),
    ).toThrow('Phase 2 (sparse) takes -0.5');
  });

  it.each([0, 2.5, Number.NaN])('refuses to select every %s steps', (everySteps) => {
    const phase = { ...sparsificationPhase(1, (t) => t), selection: { everySteps } };
    expect(() => placePhases([phase], 100)).toThrow(
      `Phase 1 (sparsification) selects every ${everySteps} steps`,
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

  it('begins to gather as many steps before each choice as it says, that at the start of the next phase too', () => {
    const at = (gather: number | undefined, length: number) => {
      const selection = gather === undefined ? { everySteps: 5 } : { everySteps: 5, gather };
      const phase = { phase: { ...sparsePhase(1), selection }, start: 3, end: 3 + length };
      return Array.from({ length }, (_, i) => i).filter((i) => gathersFrom(phase, 3 + i));
    };
    expect(at(1, 15)).toEqual([4, 9, 14]);
    expect(at(2, 17)).toEqual([3, 8, 13, 15]);
    expect(at(5, 15)).toEqual([0, 5, 10]);
    expect(at(6, 15)).toEqual([]);
    expect(at(undefined, 15)).toEqual([]);
    for (const gather of [0, 1.5, Number.NaN]) {
      const phases = [{ ...sparsePhase(1), selection: { everySteps: 5, gather } }];
      expect(() => placePhases(phases, 20)).toThrow(
        `Phase 1 (sparse) gathers ${gather} steps, which is not a whole number of at least 1`,
      );
    }
  });

  it('is refused where it is too short to select a second time', () => {
    expect(() => placePhases(every(10), 20)).toThrow(
      'Phase 1 (dense) selects every 10 steps, and has 10: select more often, or train longer',
    );
    expect(placePhases(every(10), 22)).toHaveLength(2);
    expect(placePhases(every(1), 2)).toHaveLength(2); // at every step there is
  });
});
