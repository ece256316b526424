import { expect, it } from 'vitest';

import { fuzz } from '../../../tools/fuzz/fuzz.mjs';

it('every kernel refuses what is wrong, or stays within its own tensors', { timeout: 120_000 }, async () => {
  expect(await fuzz('kernels', { cases: 600 })).toEqual([]);
});
