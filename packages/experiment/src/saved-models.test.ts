import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startBackend } from '@espalier/backend';
import { checked } from '@espalier/block-sparse';
import { magnitude } from '@espalier/magnitude';
import { rigl } from '@espalier/rigl';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import tiny from '../test/tiny.js';
import { compare } from './compare.js';
import { estimate } from './estimate.js';
import { inPlace } from './executors/in-place.js';
import { exportModel } from './export-model.js';
import { folderStore, openFolder } from './store/folder.js';
import { memoryStore } from './store/memory.js';
import type { Store } from './store/store.js';
import type { Pruner } from '@espalier/core';

let root: string;
let executor: ReturnType<typeof inPlace>;
let tensors = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'espalier-models-'));
  executor = inPlace({ backend: await startBackend('wasm'), checkpointEveryMs: 0 });
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(tensors);
});

const reference = (name: string, module: string) => ({
  ...{ name, module, contentHash: null },
  section: 'default' as const,
});
const workload = {
  workload: tiny,
  reference: reference('tiny', fileURLToPath(new URL('../test/tiny.ts', import.meta.url))),
};
const strategy = (pruner: Pruner) => ({
  pruner,
  reference: {
    ...reference(pruner.name, fileURLToPath(import.meta.resolve(`@espalier/${pruner.name}`))),
    given: pruner.settings as Record<string, unknown>,
  },
});
/** 512 examples in batches of 32, twice; losses are read, and checkpoints taken, every 16. */
const STEPS = 32;
const HALF = 16;

/** @param stopAt the step of the pruned trial at which it is stopped */
async function run(store: Store, pruner: Pruner, save: 'none' | 'models', stopAt = Infinity) {
  const stop = new AbortController();
  const [notes, ran]: [string[], string[]] = [[], []];
  const comparison = compare({
    ...{ workload, pruners: [strategy(pruner)], executor, store, save, epochs: 2, signal: stop.signal },
    watcher: {
      noted: (line) => void notes.push(line),
      progressed: (trial, { step }) =>
        void (trial.pruner && step >= stopAt && stop.abort(new Error('stopped'))),
      ended: (trial, _, anew) => void (anew && ran.push(trial.pruner?.name ?? 'dense')),
    },
  });
  const summary = await comparison.catch((error: Error) => {
    if (error.message !== 'stopped') throw error;
    return null;
  });
  return { rows: summary?.rows ?? [], notes, ran };
}

/** As tfjs itself loads a model, from the files that it would find. */
async function loaded(folder: string, strict = false): Promise<tf.LayersModel> {
  const json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as tf.io.ModelJSON;
  const weights = await readFile(join(folder, 'weights.bin'));
  const handler: tf.io.IOHandler = {
    load: () =>
      tf.io.getModelArtifactsForJSON(json, async (manifest) => [
        manifest.flatMap((group) => group.weights),
        new Uint8Array(weights).buffer,
      ]),
  };
  return tf.loadLayersModel(strict ? checked(handler) : handler);
}

/** The test loss of what a folder holds: the mean squared error, as of plain tfjs. */
async function lossOf(folder: string, strict = false): Promise<number> {
  const model = await loaded(folder, strict);
  const { test } = await tiny.load({ dataFolder: '', seed: 0 });
  const indices = Int32Array.from({ length: test.count }, (_, i) => i);
  const { inputs, targets } = await test.gather(indices);
  const loss = tf.tidy(() => {
    const x = tf.tensor(inputs[0]!, [test.count, 64]);
    const outputs = model.predict(x) as tf.Tensor;
    return tf.losses.meanSquaredError(tf.tensor(targets, outputs.shape), outputs).dataSync()[0] as number;
  });
  model.dispose();
  return loss;
}

async function placeIn(folder: string, pruner: string): Promise<string> {
  const names = await readdir(join(folder, 'trials'));
  return join(folder, 'trials', names.find((name) => name.startsWith(`${pruner}-`)) as string);
}

const attention = sequentialAttentionPlusPlus();

describe('saved models', () => {
  it('predict what the trial was measured by, dense and block-sparse, and have its masks', async () => {
    const folder = join(root, 'saved');
    const { rows } = await run(await openFolder(folder), attention, 'models');
    for (const { pruner, metrics, report } of rows) {
      const place = await placeIn(folder, pruner);
      const forms = pruner === 'dense' ? ['dense'] : ['dense', 'block-sparse'];
      for (const form of forms) {
        expect((await lossOf(join(place, form))) / metrics!.loss).toBeCloseTo(1, 5);
        // With the checksums that are in the files themselves.
        expect((await lossOf(join(place, form), true)) / metrics!.loss).toBeCloseTo(1, 5);
      }
      if (!report) continue;
      const masks = JSON.parse(await readFile(join(place, 'masks.json'), 'utf8')) as Record<string, object>;
      const [kernel] = report.pruned;
      expect(Object.keys(masks)).toEqual(['dense_1/kernel']);
      expect(masks['dense_1/kernel']).toMatchObject({
        matrixShape: [64, 32],
        blockShape: [8, 8],
        gridShape: [8, 4],
      });
      expect((masks['dense_1/kernel'] as { kept: number[] }).kept).toHaveLength(kernel!.keptBlocks);
      const sizes = forms.map(async (form) => (await stat(join(place, form, 'weights.bin'))).size);
      const [dense, compressed] = await Promise.all(sizes);
      // 3 of 32 blocks of 8 × 8 are kept.
      expect(dense! - compressed!).toBe(4 * (32 - 3) * 64);
    }
  });

  it('are trained for again where a trial has ended without; its result and its name stay', async () => {
    const store = await openFolder(join(root, 'later'));
    const first = await run(store, magnitude(), 'none');
    const names = await store.trials();
    const place = await placeIn(store.address, 'magnitude');
    const before = (await stat(join(place, 'result.json'))).mtimeMs;
    const asked = { ...{ workload, pruners: [strategy(magnitude())], executor, store, epochs: 2 } };
    expect((await estimate(asked)).trials.map(({ state }) => state)).toEqual(['done', 'done']);
    const again = await run(store, magnitude(), 'models');
    expect(again.ran).toEqual(['dense', 'magnitude']);
    expect(again.notes).toContain(
      'magnitude 0.9 8×8 seed 0 is trained anew: its model was not saved; its result stays',
    );
    expect(await store.trials()).toEqual(names);
    expect((await stat(join(place, 'result.json'))).mtimeMs).toBe(before);
    expect(again.rows).toEqual(first.rows);
    expect((await readdir(place)).sort()).toEqual([
      'block-sparse',
      'choices.json',
      'config.json',
      'dense',
      'masks.json',
      'metrics.jsonl',
      'models.json',
      'result.json',
    ]);
    // From here on nothing is.
    for (const save of ['models', 'none'] as const) {
      expect(await run(store, magnitude(), save)).toMatchObject({ ran: [], notes: [], rows: first.rows });
    }
    // But what is damaged.
    await truncate(join(place, 'dense/weights.bin'), 100);
    expect((await estimate({ ...asked, save: 'models' })).trials.map(({ state }) => state)).toEqual([
      'done',
      'to do',
    ]);
    const mended = await run(store, magnitude(), 'models');
    expect(mended.ran).toEqual(['magnitude']);
    expect(mended.notes.join()).toMatch(/dense\/weights\.bin is not what was written there/);
    expect((await stat(join(place, 'dense/weights.bin'))).size).toBeGreaterThan(100);
  });

  it('are not taken from a trial that is trained for its model by one that only passes by', async () => {
    const store = await openFolder(join(root, 'beside'));
    await run(store, magnitude(), 'none');
    await run(store, magnitude(), 'models', HALF - 1);
    const name = (await store.trials()).find((each) => each.startsWith('magnitude'))!;
    const lease = await store.trial(name).claim();
    if (typeof lease === 'string') throw new Error(lease);
    expect(await store.trial(name).checkpoint()).not.toBeNull();
    expect((await run(store, magnitude(), 'none')).ran).toEqual([]);
    expect(await store.trial(name).checkpoint()).not.toBeNull();
    await lease.release();
    expect((await run(store, magnitude(), 'models')).ran).toEqual(['magnitude']);
    expect(await store.trial(name).checkpoint()).toBeNull();
  });

  it('are kept in memory as well', async () => {
    const store = memoryStore();
    await run(store, magnitude(), 'models');
    const name = (await store.trials()).find((each) => each.startsWith('magnitude'))!;
    const models = await store.trial(name).models();
    expect(models).toMatchObject({ step: STEPS });
    expect(models!.files.map(({ path }) => path)).toEqual([
      ...['dense/model.json', 'dense/weights.bin', 'block-sparse/model.json', 'block-sparse/weights.bin'],
      'masks.json',
    ]);
    expect(await store.trial(name).modelFile(models!.files[1]!)).toHaveLength(models!.files[1]!.bytes);
    expect((await run(store, magnitude(), 'models')).ran).toEqual([]);
  });
});

describe('exportModel', () => {
  const exporting = (folder: string, trial: string, out: string, compressed = false) =>
    exportModel({
      folder,
      trial,
      out: join(root, out),
      compressed,
      dataFolder: root,
      startBackend: async () => {},
    });

  it('copies a saved model', async () => {
    const folder = join(root, 'saved');
    const exported = await exporting(folder, attention.name, 'exported/dense');
    expect(exported).toMatchObject({ from: 'models', step: STEPS });
    expect((await readdir(join(root, 'exported/dense'))).sort()).toEqual([
      'masks.json',
      'model.json',
      'weights.bin',
    ]);
    await exporting(folder, `${attention.name}-0.9-8x8-seed0`, 'exported/compressed', true);
    const { metrics } = (await run(folderStore(folder), attention, 'none')).rows[1]!;
    expect((await lossOf(join(root, 'exported/dense'))) / metrics!.loss).toBeCloseTo(1, 5);
    expect((await lossOf(join(root, 'exported/compressed'))) / metrics!.loss).toBeCloseTo(1, 5);
  });

  it.each([attention, rigl({ everySteps: 4 })])(
    'finalises the checkpoint of a trial that has not ended: $name',
    async (pruner) => {
      const store = await openFolder(join(root, `stopped-${pruner.name}`));
      await run(store, pruner, 'none', HALF - 1);
      const early = await exporting(store.address, pruner.name, `early-${pruner.name}`, true);
      expect(early).toMatchObject({ from: 'checkpoint', step: HALF, totalSteps: STEPS });
      const masks = JSON.parse(await readFile(join(root, `early-${pruner.name}/masks.json`), 'utf8')) as {
        'dense_1/kernel': { kept: number[] };
      };
      // The target is met, at whatever step.
      expect(masks['dense_1/kernel'].kept).toHaveLength(3);
      expect(await lossOf(join(root, `early-${pruner.name}`))).toBeGreaterThan(0);
      // Of the last step, it is the model that the trial was measured by.
      await run(store, pruner, 'none', STEPS - 1);
      const last = await exporting(store.address, pruner.name, `last-${pruner.name}`);
      expect(last).toMatchObject({ step: STEPS, cutAtEnd: 0 });
      const { metrics } = (await run(store, pruner, 'none')).rows[1]!;
      expect((await lossOf(join(root, `last-${pruner.name}`))) / metrics!.loss).toBeCloseTo(1, 5);
      await expect(exporting(store.address, pruner.name, 'none')).rejects.toThrow(
        /has ended, and its model was not saved: run the comparison again with --save models/,
      );
    },
  );

  it('refuses in a line what it cannot do, and leaves nothing', async () => {
    const folder = join(root, 'saved');
    await mkdir(join(root, 'taken'));
    await writeFile(join(root, 'file'), '');
    const refused: [() => Promise<unknown>, RegExp][] = [
      [
        () => exporting(folder, 'sequential-attention', 'x'),
        /no trial 'sequential-attention': did you mean '/,
      ],
      [() => exporting(folder, 'dens', 'x'), /did you mean 'dense'\?$/],
      [() => exporting(folder, 'dense', 'x', true), /dense baseline has no block-sparse form/],
      [() => exporting(folder, 'dense', 'taken'), /taken is there already: choose another --out/],
      [() => exporting(join(root, 'nowhere'), 'dense', 'x'), /nowhere has no trials: give the --out folder/],
      [() => exporting(folder, 'dense', 'file/below'), /below cannot be (made|written)|file is no folder/],
    ];
    for (const [exported, message] of refused) await expect(exported()).rejects.toThrow(message);
    const several = await openFolder(join(root, 'several'));
    const seeds = {
      workload: { ...tiny, defaults: { ...tiny.defaults, epochs: 1 } },
      pruners: [magnitude()],
    };
    await compare({ ...seeds, executor, seeds: [0, 1], store: several });
    await expect(exporting(several.address, 'magnitude', 'x')).rejects.toThrow(
      /has 2 trials that are 'magnitude': give one, of magnitude-0\.9-8x8-seed0, magnitude-0\.9-8x8-seed1$/,
    );
    const damaged = await placeIn(folder, 'dense');
    await truncate(join(damaged, 'dense/weights.bin'), 10);
    await expect(exporting(folder, 'dense', 'x')).rejects.toThrow(
      /weights\.bin is not what was written there: run/,
    );
    expect((await readdir(root)).filter((name) => name === 'x' || name.endsWith('.partial'))).toEqual([]);
  });
});
