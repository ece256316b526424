import { describe, expect, it } from 'vitest';

import { memoryStore } from '../store/memory.js';
import { NOBODY } from '../store/store.js';
import type { TrialOutcome } from '../trial/trial.js';
import type { RunOptions, Work } from './executor.js';
import { assertLimit, runLimited } from './limited.js';

const work = {} as Work;
const options = (signal = new AbortController().signal): RunOptions => ({
  ...{ store: memoryStore(), lease: NOBODY, dataFolder: '', signal },
  ...{ onProgress: () => {}, onNote: () => {} },
});
const done = { status: 'failed', message: 'its own' } as TrialOutcome;

/** Ends when it is told to, as executors do. */
const obeys = {
  run: (_: Work, { signal }: RunOptions) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    }),
};
const HUNDREDTH_OF_A_SECOND = 1 / 6000;

describe('runLimited', () => {
  it('leaves alone what ends within its limit, or has none', async () => {
    const ends = { run: async () => done };
    expect(await runLimited(ends, work, options(), undefined)).toBe(done);
    expect(await runLimited(ends, work, options(), 1)).toBe(done);
  });

  it('a trial that takes longer fails, in a line', async () => {
    const outcome = await runLimited(obeys, work, options(), HUNDREDTH_OF_A_SECOND);
    expect(outcome).toEqual({
      status: 'failed',
      message:
        'it was ended after 0.01 s, its limit: run again with a longer --trial-timeout, and it goes on from its last checkpoint',
    });
  });

  it('an interruption is no failure of the trial', async () => {
    const stop = new AbortController();
    const running = runLimited(obeys, work, options(stop.signal), 1);
    stop.abort(new Error('interrupted'));
    await expect(running).rejects.toThrow('interrupted');
  });

  it.each([0, -1, NaN, 1e6])('refuses a limit of %f minutes', (minutes) => {
    expect(() => assertLimit(minutes)).toThrow(`A trial's limit of ${minutes} minutes is outside (0, 35000]`);
  });
});
