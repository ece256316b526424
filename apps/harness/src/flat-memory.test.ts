/** Training under every strategy leaves memory flat; in long: `npm run check:long`. */
import { startBackend } from '@espalier/backend';
import { expect, it } from 'vitest';

import { flatMemory } from '../../../tools/flat-memory/flat-memory.mjs';

it('steps of every strategy leave memory flat', async () => {
  await startBackend('wasm');
  expect(await flatMemory({ steps: 15 * 150, runSteps: 150 })).toEqual([]);
}, 120_000);
