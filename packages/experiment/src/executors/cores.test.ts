import { describe, expect, it } from 'vitest';

import { shareCores } from './cores.js';

const asCores = () => Infinity;
const one = () => 1;

describe('shareCores', () => {
  it.each([
    ['one trial of one thread a core', {}, asCores, 4, 1],
    ['fewer where each has several threads', { threads: 2 }, asCores, 2, 2],
    ['those that fit, where threads do not divide the cores', { threads: 3 }, asCores, 1, 3],
    ['one where trials share a device', {}, one, 1, 1],
    ['what is asked for', { jobs: 2, threads: 2 }, asCores, 2, 2],
    ['what is asked for on a device that is shared', { jobs: 3 }, one, 3, 1],
  ] as const)('is %s', (_, asked, usual, jobs, threads) => {
    expect(shareCores(asked, 4, usual)).toEqual({ jobs, threads, note: null });
  });

  it('says so in a line where fewer run side by side than was asked for', () => {
    const { jobs, note } = shareCores({ jobs: 16, threads: 2 }, 4, asCores);
    expect(jobs).toBe(2);
    expect(note).toBe('--jobs 16 of 2 threads each is more than the 4 cores: 2 side by side');
  });

  it('refuses more threads than there are cores', () => {
    expect(() => shareCores({ threads: 5 }, 4, asCores)).toThrow(
      '--threads 5 is more than the 4 cores of this machine: give at most 4',
    );
  });
});
