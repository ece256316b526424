import { assertCombination, placePhases, type Pruner } from '@espalier/core';
import { atScale, stepsPerEpoch, workloads, type ScaleName } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, test } from 'vitest';

import { recipes } from './index.js';
import normWithSparsification from './strategies/norm-with-sparsification.js';
import unnormalised from './strategies/unnormalised.js';
import withoutSparsification from './strategies/without-sparsification.js';

beforeAll(() => tf.setBackend('cpu'));

/** The strategies that recipes may name, and where they are. */
const built: Readonly<Record<string, string>> = Object.fromEntries([
  ...[
    ...['magnitude', 'acdc', 'powerpropagation', 'str', 'softmax-attention'],
    'sequential-attention-plus-plus',
  ].map((name) => [name, `@espalier/${name}`]),
  ...['without-sparsification', 'unnormalised', 'norm-with-sparsification'].map((name) => [
    `@espalier/recipes/strategies/${name}`,
    `./strategies/${name}.js`,
  ]),
]);

describe.each(recipes.map((recipe) => [recipe.name, recipe] as const))('%s', (_, recipe) => {
  const names = recipe.entrants.map(({ name }) => name);
  const scales = Object.entries(recipe.scales);

  it('has entrants of different names, of strategies that there are', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const { strategy } of recipe.entrants) expect(Object.keys(built)).toContain(strategy);
  });

  it('runs on workloads that have the scale, judged by a measure that they have', async () => {
    for (const [scale, { workload, measure, seeds }] of scales) {
      const loaded = await workloads[workload]!();
      expect(() => atScale(loaded, scale as ScaleName)).not.toThrow();
      expect(['accuracy', 'loss']).toContain(measure);
      // One pair has no interval.
      expect(seeds.length).toBeGreaterThan(1);
      // Settings are chosen with seed 100.
      expect(seeds).not.toContain(100);
    }
  });

  it('has room for every phase of its entrants at the smallest scale', async () => {
    const { workload, epochs } = recipe.scales.smoke!;
    const loaded = atScale(await workloads[workload]!(), 'smoke');
    if (workload === 'criteo-mlp') return;
    const { train } = await loaded.load({ dataFolder: '', seed: 0 });
    const steps = (epochs ?? loaded.defaults.epochs) * stepsPerEpoch(train.count, loaded.defaults.batchSize);
    for (const { strategy, settings, epochsFactor = 1 } of recipe.entrants) {
      const { default: make } = (await import(built[strategy]!)) as { default: (given?: object) => Pruner };
      expect(() => placePhases(make(settings).search.phases, epochsFactor * steps)).not.toThrow();
    }
  });

  it('claims something of its entrants at targets that it runs, each claim once', () => {
    for (const [, scale] of scales) {
      const claims = recipe.claims(scale);
      expect(claims.length).toBeGreaterThan(0);
      expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
      for (const side of claims.flatMap(({ better, than }) => [better, than])) {
        expect(names).toContain(side.entrant);
        if (side.sparsity !== undefined) expect(scale.sparsities).toContain(side.sparsity);
        if (side.blockShape) expect(scale.blockShapes.map(String)).toContain(String(side.blockShape));
      }
    }
  });

  it('has figures of the paper of its own entrants alone', () => {
    for (const { entrant, value } of recipe.paper) {
      expect(names).toContain(entrant);
      expect(value === null || (value > 0 && value < 1)).toBe(true);
    }
  });
});

test.each([
  ['without-sparsification', withoutSparsification],
  ['unnormalised', unnormalised],
  ['norm-with-sparsification', normWithSparsification],
])('%s is a combination that works, under the name that it has here', (name, make) => {
  const pruner = make({ plan: 'criteo' });
  expect(pruner.name).toBe(name);
  expect(pruner.settings).toMatchObject({ plan: { cycles: 10 } });
  expect(() => assertCombination(pruner)).not.toThrow();
});

test('no two recipes have one name', () => {
  const names = recipes.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
