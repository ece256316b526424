/** One kill; many, and in place, and pairs of commands on one folder: `npm run check:long`. */
import { expect, it } from 'vitest';

import { killAndResume } from '../../../tools/kill-and-resume/kill-and-resume.mjs';

it(
  'a comparison that was killed goes on to the bits of one that was let alone',
  { timeout: 300_000 },
  async () => {
    const strategies = 'sequential-attention-plus-plus';
    expect(await killAndResume({ kills: 1, how: 'processes', strategies, seed: 1 })).toEqual([]);
  },
);
