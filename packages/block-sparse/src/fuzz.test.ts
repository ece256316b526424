import { expect, it } from 'vitest';

import { fuzz } from '../../../tools/fuzz/fuzz.mjs';

it(
  'a damaged model is refused, or predicts the same: nothing crashes, hangs or is written over',
  { timeout: 120_000 },
  async () => {
    expect(await fuzz('models', { cases: 600 })).toEqual([]);
  },
);
