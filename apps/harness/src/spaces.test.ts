/** What each built-in strategy declares to be chosen is what it takes: every end of every range makes a strategy. */
import { assertCombination, type SettingRange } from '@espalier/core';
import { loadPruner, loadSpace } from '@espalier/experiment/node';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';

import { openRegistry } from './registry.js';

beforeAll(() => tf.setBackend('cpu'));

const { pruners } = await openRegistry(null);

const endsOf = (range: SettingRange) => ('values' in range ? range.values : [range.low, range.high]);

it.each(pruners.map((reference) => [reference.name, reference] as const))('%s', async (_, reference) => {
  const space = await loadSpace(reference);
  expect(Object.keys(space).length).toBeGreaterThan(0);
  const own = await loadPruner(reference);
  const corners = [0, 1].map((end) =>
    Object.fromEntries(Object.entries(space).map(([name, range]) => [name, endsOf(range).at(-end)])),
  );
  const singles = Object.entries(space).flatMap(([name, range]) =>
    endsOf(range).map((value) => ({ [name]: value })),
  );
  for (const given of [...corners, ...singles]) {
    const pruner = await loadPruner({ ...reference, given });
    expect(() => assertCombination(pruner)).not.toThrow();
    // A setting that has no effect would be tuned for nothing.
    expect(Object.keys(pruner.settings)).toEqual(Object.keys(own.settings));
  }
  for (const [name, range] of Object.entries(space)) {
    const made = await Promise.all(
      endsOf(range).map((value) => loadPruner({ ...reference, given: { [name]: value } })),
    );
    const texts = made.map(({ settings }) => JSON.stringify(settings));
    expect(new Set(texts).size, `${name} changes nothing`).toBe(texts.length);
  }
});
