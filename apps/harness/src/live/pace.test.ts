import { describe, expect, it } from 'vitest';

import { paceOf } from './pace.js';
import { outcomeOf, trialOf } from './test-support.js';

function timed() {
  let time = 0;
  return { pace: paceOf(() => time), wait: (ms: number) => void (time += ms) };
}

const progress = (step: number, totalSteps = 100) => ({ step, totalSteps, loss: 1, phase: 'dense' });

describe('the time that is left', () => {
  it('is not known before steps were taken', () => {
    const { pace } = timed();
    const trial = trialOf('dense', 0);
    pace.planned?.([trial]);
    expect(pace.leftMs()).toBeNull();
    pace.started?.(trial);
    pace.progressed?.(trial, progress(0));
    expect(pace.leftMs()).toBeNull();
  });

  it('is of the steps that are left, at the pace of those of the strategy', () => {
    const { pace, wait } = timed();
    const [slow, fast, later] = [trialOf('acdc', 0), trialOf('dense', 0), trialOf('acdc', 1)];
    pace.planned?.([slow, fast, later]);
    for (const trial of [slow, fast]) pace.started?.(trial);
    for (const trial of [slow, fast]) pace.progressed?.(trial, progress(0));
    wait(100);
    pace.progressed?.(slow, progress(10));
    pace.progressed?.(fast, progress(50));
    // 10 ms a step and 89 left; 2 ms and 49 left, then the third with 10 ms and 100.
    expect(pace.leftMs()).toBe(Math.max(890, 98 + 1000));
    wait(50);
    expect(pace.leftMs()).toBe(Math.max(840, 48 + 1000));
  });

  it('counts what a trial takes beside its steps, once one has ended', () => {
    const { pace, wait } = timed();
    const [first, second] = [trialOf('dense', 0), trialOf('dense', 1)];
    pace.planned?.([first, second]);
    pace.started?.(first);
    wait(300);
    pace.progressed?.(first, progress(0));
    wait(990);
    pace.progressed?.(first, progress(99));
    wait(200);
    pace.ended?.(first, outcomeOf(), true);
    // 10 ms a step, of 100 steps, and half a second.
    expect(pace.leftMs()).toBe(1500);
  });

  it('goes by the trials of an earlier run where this one has taken no step yet', () => {
    const { pace } = timed();
    const [first, second, shorter] = [trialOf('dense', 0), trialOf('dense', 1), trialOf('dense', 2, 2)];
    pace.planned?.([first, second, shorter]);
    pace.ended?.(first, outcomeOf({ stepMs: 5, totalMs: 500 }), false);
    // 100 steps of 5 ms, and half as many of the one of half the epochs.
    expect(pace.leftMs()).toBe(750);
    pace.ended?.(second, { status: 'failed', message: '' }, true);
    pace.ended?.(shorter, { status: 'failed', message: '' }, true);
    expect(pace.leftMs()).toBe(0);
  });

  it('takes a trial that another command has for one that is to come', () => {
    const { pace } = timed();
    const [first, second] = [trialOf('dense', 0), trialOf('dense', 1)];
    pace.planned?.([first, second]);
    pace.ended?.(first, outcomeOf({ stepMs: 5, totalMs: 500 }), false);
    pace.started?.(second);
    pace.stopped?.(second);
    expect(pace.leftMs()).toBe(500);
  });
});
