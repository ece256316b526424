import { blockGrid, keepAll } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { dropAndGrow, dropFraction } from './drop-and-grow.js';
import type { Choice } from './phases.js';
import { placePhases, selectsAt, type PlacedPhase } from './placing.js';

const settings = {
  everySteps: 100,
  until: 0.75,
  alpha: 0.3,
  start: () => new Uint8Array([1, 0]),
  exchange: () => new Uint8Array([0, 1]),
};

describe("RigL's drop fraction", () => {
  it('is 0.3, 0.15 and 0 at 0, 0.5 and 1 for α = 0.3', () => {
    expect([0, 0.5, 1].map(dropFraction(0.3))).toEqual([
      expect.closeTo(0.3, 12),
      expect.closeTo(0.15, 12),
      expect.closeTo(0, 12),
    ]);
  });
});

describe('drop-and-grow', () => {
  it('exchanges every 100 steps until 75% of training, and never after', () => {
    const placed = placePhases(dropAndGrow(settings).phases, 1000);
    const steps = placed.flatMap((phase: PlacedPhase) =>
      Array.from({ length: phase.end - phase.start }, (_, i) => phase.start + i).filter((step) =>
        selectsAt(phase, step),
      ),
    );
    expect(steps).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 750]); // at 750 the mask is only confirmed
    expect(placed.map(({ phase }) => phase.choose !== undefined)).toEqual([true, false]);
  });

  it('starts as told, then asks to drop ⌊k · fraction⌋ blocks', () => {
    const asked: number[] = [];
    const search = dropAndGrow({
      ...settings,
      start: () => new Uint8Array([1, 0]),
      exchange: ({ chosen }, drop) => {
        asked.push(drop);
        return chosen;
      },
    });
    const [phase] = search.phases;
    const choice: Choice = {
      seed: 1,
      grid: blockGrid([1, 40], [1, 1]),
      scores: new Float32Array(40),
      growthScores: new Float32Array(40),
      chosen: keepAll(40),
      candidates: keepAll(40),
      keep: 26,
      progress: 0,
    };
    expect([...(phase?.choose?.(choice) ?? [])]).toEqual([1, 0]);
    expect(asked).toEqual([]);
    // 26 · 0.15 (1 + cos(π/4)) = 6.66; 26 · 0.15 = 3.9; 26 · 0.15 (1 − cos(π/4)) = 1.14.
    for (const progress of [0.25, 0.5, 0.75]) phase?.choose?.({ ...choice, progress });
    expect(asked).toEqual([6, 3, 1]);
  });

  // ⌊3 · 0.3⌋ is 0 from the start: at least one. Of four and more, ⌊4 · 0.3⌋ = 1 first, and 0 later, as the authors have it.
  it.each([
    [1, [1, 1, 1]],
    [3, [1, 1, 1]],
    [4, [1, 0, 0]],
  ])('of %d blocks drops %j at t / T_end = 0, 0.5 and 0.99', (keep, dropped) => {
    const asked: number[] = [];
    const exchange = ({ chosen }: Choice, drop: number) => (asked.push(drop), chosen);
    const choice: Choice = {
      seed: 1,
      grid: blockGrid([1, 8], [1, 1]),
      scores: new Float32Array(8),
      growthScores: new Float32Array(8),
      chosen: keepAll(8),
      candidates: keepAll(8),
      keep,
      progress: 0,
    };
    const [phase] = dropAndGrow({ ...settings, exchange }).phases;
    for (const progress of [1e-9, 0.5, 0.99]) phase?.choose?.({ ...choice, progress });
    expect(asked).toEqual(dropped);
  });

  it('tells no score of what is not chosen, which momentum may have moved', () => {
    const seen: number[][] = [];
    const exchange = ({ scores, chosen }: Choice) => (seen.push(Array.from(scores)), chosen);
    const [phase] = dropAndGrow({ ...settings, exchange }).phases;
    phase?.choose?.({
      seed: 1,
      grid: blockGrid([1, 4], [1, 1]),
      scores: Float32Array.of(1, 2, 3, 4),
      growthScores: new Float32Array(4),
      chosen: Uint8Array.of(1, 0, 1, 0),
      candidates: keepAll(4),
      keep: 2,
      progress: 0.5,
    });
    expect(seen).toEqual([[1, -Infinity, 3, -Infinity]]);
  });

  it('exchanges in place of a step, and resets the optimiser in no phase but the first', () => {
    const { phases } = dropAndGrow(settings);
    expect(phases.map(({ inPlaceOfStep }) => inPlaceOfStep === true)).toEqual([true, false]);
    expect(phases.map(({ resetsOptimizer }) => resetsOptimizer)).toEqual([undefined, false]);
  });

  it('does not fit into steps that leave no exchange', () => {
    const { phases } = dropAndGrow(settings);
    expect(() => placePhases(phases, 133)).toThrow(
      'Phase 1 (drop and grow) selects every 100 steps, and has 100: select more often, or train longer',
    );
    expect(placePhases(phases, 136)).toHaveLength(2); // 102 steps
  });

  it.each([
    [{ everySteps: 0 }, 'everySteps = 0, and is to be a whole number of at least 1'],
    [{ everySteps: 2.5 }, 'everySteps = 2.5'],
    [{ everySteps: 1 }, 'everySteps = 1 leaves no step to train'],
    [{ until: 0 }, 'until = 0, and is to be a share of training, a number in (0, 1)'],
    [{ until: 1 }, 'until = 1'],
    [
      { alpha: 0 },
      'alpha = 0, and is to be the share of the chosen blocks to drop at first, a number in (0, 1]',
    ],
    [{ alpha: 1.1 }, 'alpha = 1.1'],
    [{ alpha: Number.NaN }, 'alpha = NaN'],
  ])('refuses %j', (changed, message) => {
    expect(() => dropAndGrow({ ...settings, ...changed })).toThrow(message);
  });
});
