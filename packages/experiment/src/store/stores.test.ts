import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { MaskRecord } from '../trial/masks.js';
import type { Trial, TrialResult } from '../trial/trial.js';
import { folderStore, openFolder } from './folder.js';
import { memoryStore } from './memory.js';
import type { Checkpoint, Store } from './store.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const reference = { name: 'w', module: null, section: 'default', contentHash: null } as const;
const trial: Trial = {
  workload: reference,
  pruner: null,
  sparsity: 0,
  blockShape: [1, 1],
  allocation: null,
  seed: 0,
  epochs: 1,
  backend: 'cpu',
  accelerators: [],
  threads: 1,
  sparsePhases: false,
};
const result: TrialResult = {
  id: 'an-id',
  status: 'ok',
  measures: { loss: 0.1, accuracy: null },
  report: null,
  fingerprint: { init: 'a', data: 'b' },
  device: 'd',
  search: null,
};
const checkpoint: Checkpoint = {
  trialId: 'an-id',
  step: 3,
  elapsedMs: 1.5,
  metrics: { length: 2, sha256: '0' },
  weights: [{ name: 'w', shape: [2], dtype: 'float32', values: Float32Array.of(1, 2) }],
  optimizer: [],
  pruning: { step: 3, masks: { 'dense_1/kernel': [0, 2] } },
  search: {
    choices: [{ step: 1, kept: 2, entered: 0, left: 1 }],
    choosingMs: 0.5,
    masks: [{ choice: 0, step: 1, kept: ['BQ=='] }],
    support: [[0, 2]],
    reopened: true,
  },
};
const masks: MaskRecord = {
  kernels: [{ name: 'dense_1/kernel', blockShape: [8, 8], gridShape: [3, 3], truth: 'AQE=' }],
  made: 1,
  choices: [{ choice: 0, step: 1, kept: ['/wE='] }],
  final: ['/wE='],
};
const step = (index: number) => ({
  step: index,
  loss: 1 / (index + 1),
  learningRate: 0.1,
  phase: 'dense',
  sparsity: 0,
});

describe.each<[string, () => Promise<Store>]>([
  ['in a folder', async () => openFolder(await mkdtemp(join(folder, 'store-')))],
  ['in memory', async () => memoryStore()],
])('a store %s', (_, open) => {
  it('keeps documents, replaced as a whole', async () => {
    const store = await open();
    expect(await store.read('summary.json')).toBeNull();
    await store.write('summary.json', 'first, and longer');
    await store.write('summary.json', 'second');
    expect(await store.read('summary.json')).toBe('second');
  });

  it('keeps results and checkpoints as they were given, each trial its own', async () => {
    const store = await open();
    const place = store.trial('a');
    await place.begin(trial);
    expect([await place.result(), await place.checkpoint()]).toEqual([null, null]);
    await place.saveCheckpoint(checkpoint);
    expect(await place.checkpoint()).toEqual(checkpoint);
    await place.publish(result);
    expect(await store.trial('a').result()).toEqual(result);
    expect(await store.trial('b').result()).toBeNull();
  });

  it('keeps the masks of a search beside its result', async () => {
    const store = await open();
    const place = store.trial('a');
    expect(await place.masks()).toBeNull();
    await place.begin(trial);
    await place.saveMasks(masks);
    await place.publish(result);
    expect(await store.trial('a').masks()).toEqual(masks);
    expect(await store.trial('b').masks()).toBeNull();
  });

  it('keeps no checkpoint of what has ended', async () => {
    const place = (await open()).trial('a');
    await place.begin(trial);
    await place.saveCheckpoint(checkpoint);
    await place.publish(result);
    expect(await place.checkpoint()).toBeNull();
  });

  it('rewinds the log of steps to a length that it had', async () => {
    const { metrics, begin } = (await open()).trial('a');
    await begin(trial);
    await metrics.start();
    await metrics.append([step(0), step(1)]);
    const mark = await metrics.mark();
    await metrics.append([step(2)]);
    expect((await metrics.mark()).length).toBeGreaterThan(mark.length);
    expect(await metrics.rewind({ ...mark, sha256: 'of something else' })).toBe(false);
    expect(await metrics.rewind({ ...mark, length: mark.length + 1000 })).toBe(false);
    expect(await metrics.rewind(mark)).toBe(true);
    await metrics.append([step(5)]);
    expect(await metrics.read()).toEqual([step(0), step(1), step(5)]);
    await metrics.start();
    expect(await metrics.read()).toEqual([]);
  });

  it('does not see what is done to a value after it was kept', async () => {
    const place = (await open()).trial('a');
    await place.begin(trial);
    const values = Float32Array.of(1, 2);
    await place.saveCheckpoint({ ...checkpoint, weights: [{ ...checkpoint.weights[0]!, values }] });
    values[0] = 9;
    expect([...((await place.checkpoint())?.weights[0]?.values ?? [])]).toEqual([1, 2]);
  });
});

describe('a store in a folder', () => {
  it('is opened by its address, and is as the files say', async () => {
    const store = await openFolder(join(folder, 'deep/below'));
    const place = store.trial('a');
    await place.begin(trial);
    await place.metrics.start();
    await place.publish(result);
    expect((await readdir(join(store.address, 'trials/a'))).sort()).toEqual([
      'config.json',
      'metrics.jsonl',
      'result.json',
    ]);
    expect(await folderStore(store.address).trial('a').result()).toEqual(result);
  });

  it('doubts a result and a checkpoint whose files are damaged', async () => {
    const store = await openFolder(join(folder, 'damaged'));
    const place = store.trial('a');
    await place.begin(trial);
    await place.saveCheckpoint(checkpoint);
    await truncate(join(store.address, 'trials/a/checkpoint.bin'), 140);
    await writeFile(join(store.address, 'trials/a/result.json'), '{"id": "cut of');
    await expect(place.result()).rejects.toThrow(/result\.json is damaged, or of an earlier version$/);
    await expect(place.checkpoint()).rejects.toThrow(/checkpoint\.bin is not what was written there$/);
  });

  it('doubts masks that are not of their grids', async () => {
    const store = await openFolder(join(folder, 'other-masks'));
    const place = store.trial('a');
    await place.begin(trial);
    await place.saveMasks({ ...masks, final: ['AQ=='] });
    await expect(place.masks()).rejects.toThrow(/choices\.json is not whole.*other sizes than their grids/);
  });

  it('leaves nothing of what was being written when a trial was killed', async () => {
    const store = await openFolder(join(folder, 'untidy'));
    const place = store.trial('a');
    await place.begin(trial);
    const partial = (name: string) => join(store.address, `trials/a/.${name}.0123456789ab-1-0.partial`);
    await writeFile(partial('checkpoint.bin'), 'half of');
    // Of a command that is about to ask for the trial.
    await writeFile(partial('lease-1.json'), 'half of');
    await place.publish(result);
    await place.saveCheckpoint(checkpoint);
    await store.trial('a').tidy();
    const left = await readdir(join(store.address, 'trials/a'));
    expect(left.sort()).toEqual([basename(partial('lease-1.json')), 'config.json', 'result.json']);
  });

  it('refuses a folder that is a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openFolder(join(folder, 'file'))).rejects.toThrow(/cannot be written to.*choose another/);
  });
});
