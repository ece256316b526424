import { between } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { rigl } from '@espalier/rigl';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import tiny from '../../test/tiny.js';
import { compare } from '../compare.js';
import { TrialsFailed } from '../errors.js';
import { memoryStore } from '../store/memory.js';
import { assertFits, chosenFor, parseSettings, strategyFor } from './settings-file.js';
import { tune, tunedInPlace } from './tune.js';

beforeAll(() => tf.setBackend('cpu'));

const strategy = tunedInPlace('magnitude', magnitude, { dense: between(0.1, 0.6) });
const brief = { workload: tiny, strategies: [strategy], epochs: 3, trials: 4 } as const;

describe('tune', () => {
  it('spends the same budget on each strategy and on the dense baseline, and tells what was best', async () => {
    const tuned = await tune(brief);
    // 4 trials of 3 epochs: 6 settings for an epoch, then the two best for three.
    expect(tuned.tuning).toMatchObject({
      by: 'loss',
      rounds: [
        { epochs: 1, configurations: 6 },
        { epochs: 3, configurations: 2 },
      ],
      spent: 4,
    });
    for (const name of ['dense', 'magnitude']) {
      const tried = tuned.tried.filter((one) => one.strategy === name);
      const [short, long] = [1, 3].map((epochs) => tried.filter((one) => one.epochs === epochs)) as [
        typeof tried,
        typeof tried,
      ];
      expect([short.length, long.length]).toEqual([6, 2]);
      const best = (among: typeof tried) => among.toSorted((a, b) => a.value! - b.value!);
      const text = ({ settings, training }: (typeof tried)[0]) => JSON.stringify([settings, training]);
      expect(new Set(long.map(text))).toEqual(new Set(best(short).slice(0, 2).map(text)));
      const chosen = tuned.chosen.find((one) => one.strategy === name)!;
      const [first] = best(long);
      expect(chosen).toMatchObject({ settings: first!.settings, value: first!.value, epochs: 3 });
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

  it('leaves those that diverge behind, and goes back to a shorter training where all of the last do', async () => {
    const wild = { ...tiny, learningRate: (t: number) => 3 * tiny.learningRate(t) };
    const { tried, chosen } = await tune({ ...brief, strategies: [], epochs: 1, trials: 12, workload: wild });
    const values = tried.flatMap(({ value }) => value ?? []);
    expect(chosen[0]!.value).toBe(Math.min(...values));

    // Diverges at the end of any training of more than one epoch.
    const late = { ...tiny, learningRate: (t: number) => (t > 0.99 ? 1e30 : tiny.learningRate(t)) };
    const steps = { ...late, defaults: { ...late.defaults, batchSize: 8 } };
    const tuned = await tune({ ...brief, workload: steps });
    expect(tuned.chosen.every(({ value, epochs }) => value === null || epochs > 0)).toBe(true);
  });

  it('chooses nothing where a trial failed', async () => {
    let made = 0;
    const breaks = tunedInPlace('breaks', (settings) => ({
      ...magnitude(settings as { dense?: number }),
      importance: {
        name: 'breaks',
        score() {
          made++;
          throw new Error('this strategy is broken');
        },
      },
    }));
    await expect(tune({ ...brief, strategies: [breaks] })).rejects.toThrow(TrialsFailed);
    expect(made).toBeGreaterThan(0);
  });

  it('tries what has no room in a round in the longer ones alone, and drops rounds that have none for what it is by itself', async () => {
    // 512 examples less a tenth, in batches of 32: 15 steps an epoch.
    const slow = tunedInPlace('slow', ({ everySteps = 10 }) => rigl({ everySteps: everySteps as number }), {
      everySteps: between(10, 40, { whole: true }),
    });
    const { tried } = await tune({ ...brief, strategies: [slow], trials: 6, epochs: 9 });
    const short = tried.filter(({ strategy, epochs }) => strategy === 'slow' && epochs === 1);
    expect(short.some(({ value }) => value === null)).toBe(true);
    const never = tunedInPlace('never', () => rigl({ everySteps: 20 }));
    const { tuning } = await tune({ ...brief, strategies: [never], trials: 6, epochs: 9 });
    expect(tuning.rounds.map(({ epochs }) => epochs)).toEqual([3, 9]);
  });

  it('refuses a strategy whose settings do not tell its trials apart, and two of one name', async () => {
    const silent = tunedInPlace('silent', () => magnitude(), { dense: between(0.1, 0.6) });
    await expect(tune({ ...brief, strategies: [silent] })).rejects.toThrow(
      /'silent' has the same `settings` whatever dense is/,
    );
    await expect(tune({ ...brief, strategies: [strategy, strategy] })).rejects.toThrow(/two are called/);
  });

  it.each([
    ['a measure that there is not', { by: 'los' }, /no measure 'los' to choose by: did you mean 'loss'/],
    ['a budget that is too small', { trials: 1, seeds: [1, 2, 3] }, /raise --trials/],
    ['an option that there is not', { trails: 3 }, /trails/],
  ])('refuses %s', async (_, options, message) => {
    await expect(tune({ ...brief, ...options })).rejects.toThrow(message);
  });
});

describe('settings', () => {
  it('are used at the target that they were chosen for, by fresh seeds', async () => {
    const tuned = parseSettings(JSON.stringify(await tune(brief)), 'settings.json');
    assertFits(tuned, { path: 'settings.json', workload: 'tiny', scale: null, seeds: [0], epochs: 3 });
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
    const tuned = await tune({ ...brief, strategies: [strategy], trials: 2, epochs: 1 });
    const use = { path: 's.json', workload: 'tiny', scale: null, seeds: [0], epochs: 1 };
    expect(() => assertFits(tuned, { ...use, workload: 'mnist-mlp' })).toThrow(/are for tiny, and mnist-mlp/);
    expect(() => assertFits(tuned, { ...use, scale: 'small' })).toThrow(/tiny at scale small is compared/);
    expect(() => assertFits(tuned, { ...use, seeds: [0, 100] })).toThrow(/with others than 100/);
    expect(() => assertFits(tuned, { ...use, epochs: 2 })).toThrow(
      /other epochs, 1, than the comparison's, 2/,
    );
    expect(() => assertFits(tuned, { ...use, allocations: ['global'] })).toThrow(/other allocation/);
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
