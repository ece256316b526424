import { between } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import tiny from '../../test/tiny.js';
import { compare } from '../compare.js';
import { memoryStore } from '../store/memory.js';
import { assertFits, chosenFor, parseSettings, strategyFor } from './settings-file.js';
import { tune, tunedInPlace } from './tune.js';

beforeAll(() => tf.setBackend('cpu'));

const strategy = tunedInPlace('magnitude', magnitude, { dense: between(0.1, 0.6) });
const brief = { workload: tiny, strategies: [strategy], epochs: 3, trials: 2 } as const;

describe('tune', () => {
  it('spends the same budget on each strategy and on the dense baseline, and tells what was best', async () => {
    const tuned = await tune(brief);
    // 2 trials of 3 epochs: 3 settings for an epoch, then the best for three.
    expect(tuned.tuning).toMatchObject({
      by: 'loss',
      rounds: [
        { epochs: 1, configurations: 3 },
        { epochs: 3, configurations: 1 },
      ],
      spent: 2,
    });
    for (const name of ['dense', 'magnitude']) {
      const tried = tuned.tried.filter((one) => one.strategy === name);
      expect(tried.map(({ epochs }) => epochs)).toEqual([1, 1, 1, 3]);
      const [a, b, c, last] = tried as [
        (typeof tried)[0],
        (typeof tried)[0],
        (typeof tried)[0],
        (typeof tried)[0],
      ];
      const best = [a, b, c].reduce((one, other) => (other.value! < one.value! ? other : one));
      expect(last).toMatchObject({ settings: best.settings, training: best.training });
      const chosen = tuned.chosen.find((one) => one.strategy === name)!;
      expect(chosen).toMatchObject({ settings: last.settings, value: last.value });
    }
  });

  it('does not look at the test examples: others choose the same', async () => {
    const blind = {
      ...tiny,
      load: async (options: Parameters<typeof tiny.load>[0]) => {
        const data = await tiny.load(options);
        const gather = async () => {
          throw new Error('A test example was gathered');
        };
        return { ...data, test: { ...data.test, gather } };
      },
    };
    const seen = await tune(brief);
    const unseen = await tune({ ...brief, workload: blind });
    expect(unseen.chosen).toEqual(seen.chosen);
  });

  it('trains nothing twice, and chooses the same again', async () => {
    const store = memoryStore();
    const first = await tune({ ...brief, store });
    let ran = 0;
    const watcher = { ended: (_: unknown, __: unknown, trained: boolean) => void (ran += Number(trained)) };
    const second = await tune({ ...brief, store, watcher });
    expect(ran).toBe(0);
    expect({ ...second, date: '' }).toEqual({ ...first, date: '' });
  });

  it('leaves those that diverge behind', async () => {
    const wild = {
      ...brief,
      strategies: [],
      epochs: 1,
      trials: 12,
      workload: { ...tiny, learningRate: (t: number) => 3 * tiny.learningRate(t) },
    };
    const { tried, chosen } = await tune(wild);
    expect(chosen[0]!.value).not.toBeNull();
    const values = tried.flatMap(({ value }) => value ?? []);
    expect(chosen[0]!.value).toBe(Math.min(...values));
  });

  it.each([
    ['a measure that there is not', { by: 'los' }, /no measure 'los' to choose by: did you mean 'loss'/],
    ['a budget that is too small', { trials: 1, seeds: [1, 2] }, /raise --trials/],
    ['an option that there is not', { trails: 3 }, /trails/],
  ])('refuses %s', async (_, options, message) => {
    await expect(tune({ ...brief, ...options })).rejects.toThrow(message);
  });
});

describe('settings', () => {
  it('are used at the target that they were chosen for, by fresh seeds', async () => {
    const tuned = parseSettings(JSON.stringify(await tune(brief)), 'settings.json');
    assertFits(tuned, { path: 'settings.json', workload: 'tiny', scale: null, seeds: [0] });
    const target = tuned.chosen[1]!.target!;
    const chosen = chosenFor(tuned, 'magnitude', target, 'settings.json');
    const { training } = chosenFor(tuned, 'dense', null, 'settings.json');
    const summary = await compare({
      workload: tiny,
      pruners: [strategyFor(await strategy.make(chosen.settings), chosen)],
      dense: training,
      tuning: tuned.tuning,
      seeds: [0],
      epochs: 1,
    });
    expect(summary.tuning).toEqual(tuned.tuning);
    expect(summary.rows[1]).toMatchObject({ pruner: 'magnitude', settings: chosen.settings });
    const made = magnitude(chosen.settings as { dense?: number });
    expect(summary.rows[1]!.settings).toEqual(made.settings);
  });

  it('are refused for another workload, another target, the seeds that they were chosen with', async () => {
    const tuned = await tune({ ...brief, strategies: [strategy], trials: 1, epochs: 1 });
    const use = { path: 's.json', workload: 'tiny', scale: null, seeds: [0] };
    expect(() => assertFits(tuned, { ...use, workload: 'mnist-mlp' })).toThrow(/are for tiny, and mnist-mlp/);
    expect(() => assertFits(tuned, { ...use, scale: 'small' })).toThrow(/tiny at scale small is compared/);
    expect(() => assertFits(tuned, { ...use, seeds: [0, 100] })).toThrow(/with others than 100/);
    const other = { sparsity: 0.5, blockShape: [2, 2] as const };
    expect(() => chosenFor(tuned, 'magnitude', other, 's.json')).toThrow(
      /no settings of magnitude at 0.5 2x2/,
    );
    expect(() => chosenFor(tuned, 'acdc', other, 's.json')).toThrow(
      /no settings of acdc.*it has dense, magnitude/,
    );
  });

  it.each([
    ['damaged', '{', /s.json is damaged/],
    ['something else', '{"schemaVersion":1}', /is no file of settings/],
    ['a value out of place', JSON.stringify({ schemaVersion: 1, kind: 'espalier-settings' }), /workload/],
  ])('that are %s are refused in one line', (_, text, message) => {
    expect(() => parseSettings(text, 's.json')).toThrow(message);
  });
});
