import { expect, it } from 'vitest';

import { killAndResume } from '../../../tools/kill-and-resume/kill-and-resume.mjs';
import { pairs } from '../../../tools/kill-and-resume/pairs.mjs';

it.each(['processes', 'in-place'] as const)(
  'a comparison %s, killed at random moments, goes on to the bits of one that was let alone',
  { timeout: 300_000 },
  async (how) => {
    expect(
      await killAndResume({ kills: 1, how, strategies: 'sequential-attention-plus-plus', seed: 1 }),
    ).toEqual([]);
  },
);

it(
  'two commands on one folder run every trial once, whether one of them is killed or not',
  { timeout: 300_000 },
  async () => {
    expect(await pairs({ pairs: 2, seed: 1 })).toEqual([]);
  },
);
