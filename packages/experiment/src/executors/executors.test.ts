import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { acdc } from '@espalier/acdc';
import { startBackend } from '@espalier/backend';
import { DivergedError, frobenius, identity, oneShot, type Pruner } from '@espalier/core';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// As built: its processes have nothing but the built files.
import { processes } from '../../dist/node.js';
import tiny from '../../test/tiny.js';
import { compare } from '../compare.js';
import { memoryStore } from '../store/memory.js';
import { openFolder } from '../store/folder.js';
import type { StepMetrics, Store } from '../store/store.js';
import type { Trial } from '../trial/trial.js';
import { trialName } from '../trial/identity.js';
import type { KernelView } from '../trial/kernel-views.js';
import { inPlace } from './in-place.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-executors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const reference = (name: string, module: string) => ({
  name,
  module,
  section: 'default' as const,
  contentHash: null,
});
const workload = {
  workload: tiny,
  reference: reference('tiny', fileURLToPath(new URL('../../test/tiny.ts', import.meta.url))),
};
const strategy = (pruner: Pruner) => ({
  pruner,
  reference: reference(pruner.name, fileURLToPath(import.meta.resolve(`@espalier/${pruner.name}`))),
});
const pruners = [strategy(acdc()), strategy(sequentialAttentionPlusPlus())];

const bits = ({ rows }: Awaited<ReturnType<typeof compare>>) =>
  rows.map(({ pruner, status, metrics, achieved, fingerprint, report }) => ({
    ...{ pruner, status, metrics, achieved, fingerprint, report },
  }));

async function stepsIn(store: Store, trials: readonly Trial[]): Promise<StepMetrics[][]> {
  return Promise.all(trials.map((trial) => store.trial(trialName(trial)).metrics.read()));
}

describe('a comparison', () => {
  it('gives the same bits in processes with a folder and in place with memory', async () => {
    // Named differently: processes know which code computes.
    const planned: (readonly Trial[])[] = [];
    const watcher = { planned: (trials: readonly Trial[]) => void planned.push(trials) };
    const apart = await processes({ backend: 'wasm', accelerators: 'off' });
    const inFolder = await openFolder(folder);
    const there = await compare({ workload, pruners, executor: apart, store: inFolder, watcher });

    const inMemory = memoryStore();
    const executor = inPlace({ backend: await startBackend('wasm') });
    const here = await compare({ workload, pruners, executor, store: inMemory, watcher });
    const [apartTrials, hereTrials] = planned as [readonly Trial[], readonly Trial[]];

    expect(bits(here)).toEqual(bits(there));
    expect(here.rows.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
    expect(here.rows[1]?.metrics?.loss).not.toBe(here.rows[0]?.metrics?.loss);
    expect(apartTrials).toHaveLength(3);
    expect(await stepsIn(inMemory, hereTrials)).toEqual(await stepsIn(inFolder, apartTrials));
  });

  it('does not train again what has ended in its store', async () => {
    const store = memoryStore();
    const executor = inPlace({ backend: await startBackend('wasm') });
    const ran: boolean[] = [];
    const watcher = { ended: (_: unknown, __: unknown, anew: boolean) => void ran.push(anew) };
    await compare({ workload, pruners, executor, store, watcher });
    await compare({ workload, pruners, executor, store, watcher });
    expect(ran).toEqual([true, true, true, false, false, false]);
  });

  it('refuses a value that processes cannot load, in a line', async () => {
    const executor = await processes({ backend: 'wasm', accelerators: 'off' });
    const store = await openFolder(join(folder, 'values'));
    const { rows } = await compare({ workload: tiny, pruners: [], executor, store });
    expect(rows[0]?.message).toBe("'tiny' is a value, which no other process can load: give its module");
  });

  it('refuses a store in memory for processes', async () => {
    const executor = await processes({ backend: 'wasm', accelerators: 'off' });
    const refusal = compare({ workload, pruners: [], executor, store: memoryStore() });
    await expect(refusal).rejects.toThrow(/need a store that they can open: openStore\(\)/);
  });
});

describe('in place', () => {
  /** One-shot pruning that does something else where it should score. */
  const inPlaceOfScoring = (name: string, action: () => never): Pruner => ({
    name,
    description: '',
    source: '',
    settings: {},
    parameterisation: identity,
    importance: { ...frobenius, score: action },
    search: oneShot(),
  });
  const breaks = inPlaceOfScoring('breaks', () => {
    throw new Error('this strategy is broken');
  });
  const diverges = inPlaceOfScoring('diverges', () => {
    throw new DivergedError('a score is not finite');
  });

  it('a trial that fails or diverges fails alone, and none leaves a tensor behind', async () => {
    const executor = inPlace({ backend: await startBackend('wasm') });
    await compare({ workload: tiny, pruners: [acdc()], executor });
    const before = tf.memory().numTensors;
    const { rows } = await compare({ workload: tiny, pruners: [breaks, diverges, acdc()], executor });
    expect(rows.map(({ status }) => status)).toEqual(['ok', 'failed', 'diverged', 'ok']);
    expect(rows[1]?.message).toContain('this strategy is broken');
    expect(rows[2]).toMatchObject({ metrics: null, achieved: null });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('shows losses, masks and attention on the way, to the same bits and without a tensor', async () => {
    const backend = await startBackend('wasm');
    const store = memoryStore();
    const unseen = await compare({ workload, pruners, executor: inPlace({ backend }), store });
    const before = tf.memory().numTensors;
    const losses = new Map<string, number[]>();
    const views: Record<string, KernelView[]> = {};
    const executor = inPlace({
      backend,
      async onReading(trial, { steps, totalSteps, kernels }) {
        expect(totalSteps).toBe(8 * (512 / 32));
        const name = trial.pruner?.name ?? 'dense';
        losses.set(name, [...(losses.get(name) ?? []), ...steps.map(({ loss }) => loss)]);
        views[name] = await kernels();
      },
    });
    const inSight = memoryStore();
    const seen = await compare({ workload, pruners, executor, store: inSight });
    expect(tf.memory().numTensors).toBe(before);
    expect(bits(seen)).toEqual(bits(unseen));
    const names = await store.trials();
    const logged = await Promise.all(names.map((name) => store.trial(name).metrics.read()));
    const sorted = (lists: readonly number[][]) => [...lists].sort((a, b) => a[1]! - b[1]!);
    expect(sorted([...losses.values()])).toEqual(
      sorted(logged.map((steps) => steps.map(({ loss }) => loss))),
    );
    expect(views['dense']).toEqual([]);
    expect(views['acdc']).toMatchObject([{ name: 'dense_1/kernel', gridShape: [8, 4], factors: null }]);
    const [attended] = views['sequential-attention-plus-plus']!;
    // Of 32 blocks, max(1, round(32 · 0.1)) are kept at the end; softmax attention has a positive factor for each block.
    expect(attended!.mask.reduce((sum, bit) => sum + bit, 0)).toBe(3);
    expect(attended!.factors).toHaveLength(32);
    expect(Math.min(...attended!.factors!)).toBeGreaterThan(0);
  });

  it('stops when it is told to, and goes on from its checkpoint to the same bits', async () => {
    const executor = inPlace({ backend: await startBackend('wasm'), checkpointEveryMs: 0 });
    const whole = await compare({ workload, pruners, executor });
    const store = memoryStore();
    const before = tf.memory().numTensors;
    const stop = new AbortController();
    const stopped = compare({
      ...{ workload, pruners, executor, store, signal: stop.signal },
      watcher: {
        progressed: (trial, { step }) => trial.pruner && step > 60 && stop.abort(new Error('stopped')),
      },
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(tf.memory().numTensors).toBe(before);
    const steps: number[] = [];
    const watcher = { progressed: (_: Trial, { step }: { step: number }) => void steps.push(step) };
    const resumed = await compare({ workload, pruners, executor, store, watcher });
    expect(bits(resumed)).toEqual(bits(whole));
    expect(steps[0]).toBeGreaterThan(60);
  });
});
