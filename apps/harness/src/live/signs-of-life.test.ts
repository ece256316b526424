import type { Trial } from '@espalier/experiment';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { signsOfLife } from './signs-of-life.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A dense one: what is called in lines, and no more. */
const trial = (seed: number) =>
  ({
    workload: { name: 'planted-blocks', module: null, section: 'default', contentHash: null },
    pruner: null,
    sparsity: 0,
    blockShape: [1, 1],
    seed,
  }) as unknown as Trial;
const MINUTE = 60_000;

function living(isShown: boolean, leftMs: () => number | null = () => null) {
  const said: string[] = [];
  const life = signsOfLife({ say: (line) => said.push(line), isShown, leftMs });
  return { said, life, wait: (ms: number) => vi.advanceTimersByTime(ms) };
}

describe('signs of life', () => {
  it('say every minute how far the trials are, and which said nothing for how long', () => {
    const { said, life, wait } = living(false);
    wait(MINUTE);
    expect(said.splice(0)).toEqual(['Still preparing, for 1 min: loading data, trying out strategies\n']);
    life.planned?.([trial(0), trial(1), trial(2)]);
    const [talks, hangs, ends] = [trial(0), trial(1), trial(2)];
    life.started?.(ends);
    life.ended?.(ends, { status: 'failed', message: '' }, true);
    life.started?.(talks);
    life.started?.(hangs);
    wait(MINUTE / 2);
    life.progressed?.(talks, { step: 31, totalSteps: 128, loss: 1, phase: 'dense' });
    wait(MINUTE / 2);
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(/^dense seed 1 has said nothing yet, for 1 min \(--trial-timeout <minutes>/);
    expect(said[1]).toMatch(/: 1 of 3 trials ended; dense seed 0 25%, dense seed 1 starting\n$/);
    said.length = 0;
    wait(2 * MINUTE);
    expect(said.filter((line) => line.startsWith('dense seed 0'))[1]).toMatch(
      /has said nothing since step 32 of 128, for 3 min/,
    );
    life.stop();
    said.length = 0;
    wait(MINUTE);
    expect(said).toEqual([]);
  });

  it('say nothing of a trial that another command has now', () => {
    const { said, life, wait } = living(false);
    life.planned?.([trial(0)]);
    const taken = trial(0);
    life.started?.(taken);
    life.stopped?.(taken);
    wait(2 * MINUTE);
    expect(said).toEqual([]);
    life.stop();
  });

  it('say how long it still takes, once that is known', () => {
    const { said, life, wait } = living(false, () => 7 * MINUTE);
    life.planned?.([trial(0)]);
    life.started?.(trial(0));
    wait(MINUTE);
    expect(said.at(-1)).toMatch(
      /^After 1 min: 0 of 1 trials ended, about 7 min left; dense seed 0 starting\n$/,
    );
    life.stop();
  });

  it('end with the preparation where something else shows the rest', () => {
    const { said, life, wait } = living(true);
    wait(MINUTE);
    expect(said.splice(0)).toHaveLength(1);
    const one = trial(0);
    life.planned?.([one]);
    life.started?.(one);
    wait(5 * MINUTE);
    expect(said).toEqual([]);
    life.stop();
  });
});
