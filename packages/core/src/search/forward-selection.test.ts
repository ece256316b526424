import { blockGrid } from '@espalier/blocks';
import { describe, expect, it } from 'vitest';

import { forwardSelection } from './forward-selection.js';
import type { Choice, Search } from './phases.js';
import { placePhases } from './placing.js';

const settings = { warmUp: 0.1, rounds: 3, fineTuning: 0.3, joinBy: 'importance' } as const;

/** The choices of a search one after the other, on one row of blocks with scores that do not change. */
function choices(search: Search, scores: number[], growthScores: number[], keep: number): number[][] {
  const grid = blockGrid([1, scores.length], [1, 1]);
  let chosen = new Uint8Array(scores.length).fill(1);
  return search.phases.flatMap(({ choose, candidates }) => {
    if (!choose) return [];
    expect(candidates).toBe('all');
    const choice: Choice = {
      seed: 1,
      grid,
      scores,
      growthScores,
      chosen,
      candidates: new Uint8Array(scores.length).fill(1),
      keep,
      progress: 0,
    };
    chosen = Uint8Array.from(choose(choice));
    return [[...chosen.keys()].filter((block) => chosen[block])];
  });
}

describe('forward selection', () => {
  it('is a warm-up, rounds of equal length with all blocks active, and fine-tuning without the others', () => {
    const placed = placePhases(forwardSelection(settings).phases, 100);
    expect(placed.map(({ phase, start }) => [phase.name, phase.others ?? 'pruned', start])).toEqual([
      ['dense', 'pruned', 0],
      ['selection', 'active', 10],
      ['selection', 'active', 30],
      ['selection', 'active', 50],
      ['sparse', 'pruned', 70],
    ]);
  });

  it('starts empty, and adds ⌈k · round / rounds⌉ blocks in all by the best scores', () => {
    // k = 5 in 3 rounds: ⌈5/3⌉ = 2, ⌈10/3⌉ = 4, 5.
    const scores = [1, 9, 3, 8, 5, 7, 2];
    expect(choices(forwardSelection(settings), scores, scores, 5)).toEqual([
      [],
      [1, 3],
      [1, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ]);
  });

  it('joins by growth where asked to', () => {
    const search = forwardSelection({ ...settings, joinBy: 'growth', rounds: 1 });
    expect(choices(search, [9, 9, 1, 1], [1, 2, 4, 3], 2)).toEqual([[], [2, 3]]);
  });

  it('then swaps the lowest for those that would join, at a fixed number of blocks', () => {
    const search = forwardSelection({ ...settings, joinBy: 'growth', rounds: 2, swaps: 2 });
    // k = 4: two join in each round, by growth 5, 4 and 3, 2; two leave in each swap, those of scores 1 and 2. What
    // leaves does not come back in the same swap, though block 0 has the largest growth.
    const swapped = choices(search, [1, 2, 3, 4, 5, 6], [5, 4, 3, 2, 1, 0], 4);
    expect(swapped).toEqual([[], [0, 1], [0, 1, 2, 3], [2, 3, 4, 5], [0, 1, 4, 5]]);
    expect(placePhases(search.phases, 100).map(({ start }) => start)).toEqual([0, 10, 25, 40, 55, 70]);
  });

  it('swaps no more blocks than there are others', () => {
    const search = forwardSelection({ ...settings, joinBy: 'growth', rounds: 1, swaps: 1 });
    expect(choices(search, [1, 2, 3], [3, 2, 1], 2).at(-1)).toEqual([1, 2]);
    expect(choices(search, [1, 2, 3], [3, 2, 1], 3).at(-1)).toEqual([0, 1, 2]);
  });

  it('keeps no more than the kernel may in the end, where that falls, and then the best of what was chosen', () => {
    const grid = blockGrid([1, 5], [1, 1]);
    const { phases } = forwardSelection({ ...settings, joinBy: 'growth', rounds: 2, swaps: 1 });
    const [, , , last, swap] = phases;
    const choice: Choice = {
      seed: 1,
      grid,
      scores: [1, 5, 2, 4, 9],
      growthScores: [1, 1, 1, 1, 7],
      chosen: Uint8Array.of(1, 1, 1, 1, 0),
      candidates: new Uint8Array(5).fill(1),
      keep: 2,
      progress: 0,
    };
    expect([...last!.choose!(choice)]).toEqual([0, 1, 0, 1, 0]);
    expect([...swap!.choose!(choice)]).toEqual([0, 1, 0, 0, 1]);
  });

  it.each([
    [{ rounds: 0 }, 'rounds = 0, and is to be a whole number from 1 to 100000'],
    [{ rounds: 1.5 }, 'rounds = 1.5'],
    [{ swaps: -1 }, 'swaps = -1, and is to be a whole number from 0 to 100000'],
    [{ warmUp: -0.1 }, 'warmUp = -0.1'],
    [{ fineTuning: 0 }, 'fineTuning = 0'],
    [{ warmUp: 0.7 }, 'warmUp = 0.7 and fineTuning = 0.3 must leave a share to the rounds'],
    [{ warmUp: Number.NaN }, 'warmUp = NaN'],
  ])('refuses %j', (changed, message) => {
    expect(() => forwardSelection({ ...settings, ...changed })).toThrow(message);
  });
});
