import { global } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import tiny from '../test/tiny.js';
import { compare } from './compare.js';
import { writeSummary } from './reports/reports.js';
import { memoryStore } from './store/memory.js';

beforeAll(() => tf.setBackend('cpu'));

/** 64 × 32 in blocks of 8 × 8: G = 32. */
const KERNEL = 'dense_1/kernel';
const brief = { pruners: [magnitude()], epochs: 1 };

const keptBlocks = ({ rows }: Awaited<ReturnType<typeof compare>>) => rows[1]?.report?.pruned[0]?.keptBlocks;

describe('compare', () => {
  it('needs no more than a workload and strategies', async () => {
    const summary = await compare({ workload: tiny, ...brief });
    expect(summary).toMatchObject({ workload: 'tiny', task: 'regression', reference: 'dense' });
    expect(summary.environment).toMatchObject({ backend: 'cpu', jobs: 1, accelerators: [] });
    // k = round(32 · 0.1).
    expect(keptBlocks(summary)).toBe(3);
    expect(summary.rows.map(({ allocation }) => allocation)).toEqual([null, 'uniform']);
  });

  it("gives a kernel its own target, the one asked for before the workload's", async () => {
    const workload = { ...tiny, target: { ...tiny.target, overrides: { [KERNEL]: { sparsity: 0.75 } } } };
    expect(keptBlocks(await compare({ workload, ...brief }))).toBe(8);
    const overrides = { [KERNEL]: { sparsity: 0.5 } };
    const asked = await compare({ workload, ...brief, overrides });
    expect(keptBlocks(asked)).toBe(16);
    expect(asked.rows.map((row) => row.overrides)).toEqual([undefined, overrides]);
  });

  it('takes an allocation that the workload has as a value', async () => {
    const some = { ...global, name: 'half', keep: () => [5] };
    const workload = { ...tiny, target: { ...tiny.target, allocation: some } };
    const summary = await compare({ workload, ...brief });
    expect(summary.rows[1]?.allocation).toBe('half');
    expect(keptBlocks(summary)).toBe(5);
  });

  it.each([
    [
      'a kernel that the model does not have',
      { overrides: { 'dens/kernel': {} } },
      /did you mean 'dense_1\/kernel'/,
    ],
    [
      'a reference that is not compared',
      { reference: 'gmp' },
      /'gmp' is not compared: choose dense, magnitude/,
    ],
    [
      'an override out of range',
      { overrides: { [KERNEL]: { sparsity: 1 } } },
      /sparsity = 1 is not a number from 0/,
    ],
  ])('refuses %s', async (_, options, message) => {
    await expect(compare({ workload: tiny, ...brief, ...options })).rejects.toThrow(message);
  });

  it('keeps its summary in a store, in every format', async () => {
    const store = memoryStore();
    await writeSummary(store, await compare({ workload: tiny, ...brief, store }));
    expect(await store.read('summary.md')).toContain('| magnitude |');
    expect(await store.read('summary.csv')).toContain('tiny,magnitude,0.9,8,8,uniform');
    expect(JSON.parse((await store.read('summary.json')) ?? '')).toMatchObject({ schemaVersion: 1 });
  });
});
