/** Few kills; many, and in place: `npm run check:long`. */
import { expect, it } from 'vitest';

import { killAndResume } from '../../../tools/kill-and-resume/kill-and-resume.mjs';
import { pairs } from '../../../tools/kill-and-resume/pairs.mjs';

it(
  'a comparison that was killed goes on to the bits of one that was let alone',
  { timeout: 300_000 },
  async () => {
    const strategies = 'sequential-attention-plus-plus';
    expect(await killAndResume({ kills: 1, how: 'processes', strategies, seed: 1 })).toEqual([]);
  },
);

it(
  'two commands on one folder run every trial once, though one is killed',
  { timeout: 300_000 },
  async () => {
    expect(await pairs({ pairs: 1, seed: 1 })).toEqual([]);
  },
);
