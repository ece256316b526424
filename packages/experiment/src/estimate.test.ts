import { acdc } from '@espalier/acdc';
import { startBackend } from '@espalier/backend';
import { magnitude } from '@espalier/magnitude';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import tiny from '../test/tiny.js';
import { compare } from './compare.js';
import { estimate } from './estimate.js';
import type { Executor } from './executors/executor.js';
import { inPlace } from './executors/in-place.js';
import { measureSteps, timeOf } from './measure-steps.js';
import { memoryStore } from './store/memory.js';
import type { Store } from './store/store.js';
import { Doubtful } from './store/trouble.js';
import type { Trial } from './trial/trial.js';

const backend = await startBackend('wasm');
const executor = inPlace({ backend, checkpointEveryMs: 0 });
const pruners = [magnitude(), sequentialAttentionPlusPlus()];

/** That nothing may be written to. */
function sealed(store: Store): Store {
  const refuse = () => Promise.reject(new Error('written'));
  return {
    ...store,
    write: refuse,
    create: refuse,
    trial: (name) => ({
      ...store.trial(name),
      claim: refuse,
      begin: refuse,
      publish: refuse,
      saveCheckpoint: refuse,
      tidy: refuse,
    }),
  };
}

const trialOf = (epochs: number, pruner: ReturnType<typeof acdc>): Trial => ({
  workload: { name: 'tiny', module: null, section: 'default', contentHash: null },
  pruner: { name: pruner.name, settings: {}, module: null, section: 'default', contentHash: null },
  ...{ sparsity: 0.9, blockShape: [8, 8], allocation: { name: 'uniform', of: 'core' }, seed: 0, epochs },
  ...{ backend: 'wasm', accelerators: [], threads: 1, sparsePhases: true },
});

describe('estimate', () => {
  it('says what is to do, what is done and what has begun, and writes nothing', async () => {
    const store = memoryStore();
    const options = { workload: tiny, pruners, executor, epochs: 40 };
    const before = tf.memory().numTensors;
    const whole = await estimate({ ...options, store: sealed(store) });
    expect(tf.memory().numTensors).toBe(before);
    expect(whole.trials.map(({ pruner, state }) => [pruner, state])).toEqual([
      ['dense', 'to do'],
      ['magnitude', 'to do'],
      ['sequential-attention-plus-plus', 'to do'],
    ]);
    const each = whole.trials.map(({ timeMs }) => timeMs);
    expect(Math.min(...each)).toBeGreaterThan(0);
    // One after another here.
    expect(whole.timeMs).toBeGreaterThan(each.reduce((sum, ms) => sum + ms, 0));
    // 64 × 32 weights and as many slots of momentum, twice over.
    expect(whole.checkpointBytes).toBeGreaterThanOrEqual(2 * 2 * 4 * 64 * 32);
    expect(whole.diskBytes).toBeGreaterThan(3 * 640 * 100);

    const stop = new AbortController();
    const interrupted = compare({
      ...{ ...options, store, signal: stop.signal },
      watcher: {
        progressed: (trial, { step }) => trial.pruner && step > 300 && stop.abort(new Error('stopped')),
      },
    });
    await expect(interrupted).rejects.toThrow('stopped');
    const rest = await estimate({ ...options, store: sealed(store) });
    expect(rest.trials.map(({ state }) => state)).toEqual(['done', 'begun', 'to do']);
    expect(rest.trials[0]?.timeMs).toBe(0);
    expect(rest.diskBytes).toBeLessThan(whole.diskBytes);
  });

  it('takes what cannot be believed for what is not there', async () => {
    const store = memoryStore();
    await compare({ workload: tiny, pruners: [], executor, store });
    const doubt = () => Promise.reject(new Doubtful('damaged'));
    const damaged: Store = {
      ...store,
      trial: (name) => ({ ...store.trial(name), result: doubt, checkpoint: doubt }),
    };
    const { trials } = await estimate({ workload: tiny, pruners: [], executor, store: damaged });
    expect(trials.map(({ state }) => state)).toEqual(['to do']);
  });

  it('uses the times of products that it took, and keeps none', async () => {
    const store = memoryStore();
    const measured = { ...executor, backend: { ...executor.backend, name: 'unknown' as 'wasm' } };
    const costs = [{ blockShape: [8, 8] as const, perKeptWeight: 1.5, perStep: 1000 }];
    const asked: Trial[] = [];
    const timing: Executor = {
      ...measured,
      measureCosts: async () => costs,
      measureSteps(work, options) {
        asked.push(work.trial);
        return executor.measureSteps(work, options);
      },
    };
    await estimate({ workload: tiny, pruners: [magnitude()], executor: timing, store: sealed(store) });
    expect(asked.map(({ productCosts }) => productCosts)).toEqual([undefined, costs[0]]);
    expect(await store.read('product-costs.json')).toBeNull();
  });

  it('weighs what a step takes in each phase by the phases of the whole trial', async () => {
    const pruner = acdc();
    const options = { backend, dataFolder: '', startedAt: performance.now() };
    const costs = await measureSteps(trialOf(100, pruner), tiny, pruner, options);
    // 512 examples in batches of 32.
    expect(costs.totalSteps).toBe(1600);
    expect(costs.steps).toBeGreaterThanOrEqual(64);
    expect(costs.steps).toBeLessThanOrEqual(1600);
    expect(Object.keys(costs.stepMs).sort()).toEqual(Object.keys(costs.shares).sort());
    expect(Object.values(costs.shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    const given = {
      ...costs,
      otherMs: 500,
      stepMs: { dense: 2, sparse: 4 },
      shares: { dense: 0.25, sparse: 0.75 },
    };
    expect(timeOf(given)).toBe(500 + 1600 * (0.25 * 2 + 0.75 * 4));
  });

  it('trains no more than there is of a short trial, and no fewer than its phases need', async () => {
    const pruner = sequentialAttentionPlusPlus();
    const options = { backend, dataFolder: '', startedAt: performance.now() };
    expect((await measureSteps(trialOf(2, pruner), tiny, pruner, options)).steps).toBe(32);
  });
});
