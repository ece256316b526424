import { expect, it } from 'vitest';

import { fuzz } from '../../../tools/fuzz/fuzz.mjs';

it('a damaged checkpoint is refused, or is what was written: nothing crashes, hangs or is written over', async () => {
  expect(await fuzz('checkpoints', { cases: 600 })).toEqual([]);
});
