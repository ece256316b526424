import { expect, it } from 'vitest';

import { openRegistry } from '../../harness/src/registry.js';
import { loadStrategy } from './strategies.js';
import { strategyNames } from './strategy-names.js';

it('offers what the command offers, in its order', async () => {
  const { pruners } = await openRegistry(null);
  expect(strategyNames).toEqual(pruners.map(({ name }) => name));
});

it('loads each by its name', async () => {
  const loaded = await Promise.all(strategyNames.map(loadStrategy));
  expect(loaded.map(({ name }) => name)).toEqual(strategyNames);
});
