import { mkdtemp, readFile, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { acdc } from '@espalier/acdc';
import { startBackend } from '@espalier/backend';
import { frobenius, type Pruner } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import plantedBlocksAnew from '@espalier/workloads/planted-blocks';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { folderStore } from '../store/folder.js';
import { trialName } from './identity.js';
import { unpackMask } from './masks.js';
import { train as trainIn, type TrainOptions } from './train.js';
import type { Trial } from './trial.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'espalier-trial-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function trialOf(pruner: Pruner | null): Trial {
  const reference = { module: 'test', section: 'default' as const, contentHash: null };
  return {
    workload: { ...reference, name: 'planted-blocks' },
    pruner: pruner && { ...reference, name: pruner.name, settings: pruner.settings },
    sparsity: 0.9,
    blockShape: [8, 8],
    allocation: pruner && { name: 'uniform', of: 'core' },
    seed: 0,
    epochs: 2,
    backend: 'wasm',
    accelerators: [],
    threads: 1,
    sparsePhases: pruner !== null,
  };
}

/** The data made once for all tests. */
const data = plantedBlocksAnew.load({ dataFolder: '', seed: 0 });
const plantedBlocks = { ...plantedBlocksAnew, load: () => data };

/** 2 epochs of 2048 examples in batches of 64. */
const TOTAL_STEPS = 64;

const backend = await startBackend('wasm');
const sequentialAttention = sequentialAttentionPlusPlus();
const strategies = [null, magnitude(), acdc(), sequentialAttention];

/** In a store in a folder. */
async function train(
  trial: Trial,
  pruner: Pruner | null,
  { folder, ...options }: { folder: string } & Pick<TrainOptions, 'checkpointEveryMs' | 'onProgress'>,
) {
  const store = folderStore(folder).trial(trialName(trial));
  await store.begin(trial);
  return trainIn(trial, plantedBlocks, pruner, { backend, store, dataFolder: '', ...options });
}

async function fileOf(folder: string, name: string): Promise<string> {
  const [trial] = await readdir(join(folder, 'trials'));
  return join(folder, 'trials', trial as string, name);
}

describe('train', () => {
  it.each(strategies.map((pruner) => [pruner?.name ?? 'dense', pruner] as const))(
    '%s, interrupted in mid-phase, goes on from its checkpoint to the same bits',
    async (_, pruner) => {
      const trial = trialOf(pruner);
      const whole = { folder: await mkdtemp(join(folder, 'whole-')) };
      const straight = await train(trial, pruner, whole);

      const parts = { folder: await mkdtemp(join(folder, 'parts-')), checkpointEveryMs: 0 };
      const interruption = train(trial, pruner, {
        ...parts,
        onProgress: ({ step }) => {
          if (step > 40) throw new Error('interrupted');
        },
      });
      await expect(interruption).rejects.toThrow('interrupted');
      const steps: number[] = [];
      const resumed = await train(trial, pruner, {
        ...parts,
        onProgress: ({ step }) => steps.push(step),
      });

      expect(steps[0]).toBeGreaterThan(32);
      const bits = ({ measures }: typeof straight) => {
        const { loss, supportRecovery, achievedPrunedLayers, achievedModel } = measures;
        return { loss, supportRecovery, achievedPrunedLayers, achievedModel };
      };
      expect(bits(resumed)).toEqual(bits(straight));
      expect(bits(straight).loss).toBeGreaterThan(0);
      expect(resumed.search?.choices).toEqual(straight.search?.choices);
      expect(resumed.fingerprint).toEqual(straight.fingerprint);
      const metrics = async (of: string) => readFile(await fileOf(of, 'metrics.jsonl'), 'utf8');
      expect(await metrics(parts.folder)).toBe(await metrics(whole.folder));
      const masks = ({ folder: of }: typeof whole) => folderStore(of).trial(trialName(trial)).masks();
      expect(await masks(parts)).toEqual(await masks(whole));
      expect(await masks(whole)).toEqual(pruner ? expect.anything() : null);
    },
  );

  it('tells what the search did, and what its model costs', async () => {
    const attended = await train(trialOf(sequentialAttention), sequentialAttention, { folder });
    const choices = attended.search?.choices ?? [];
    // 10% of 512 blocks of 64 weights in a kernel of 256 × 128.
    expect(choices.at(-1)?.kept).toBe(51);
    expect(attended.measures).toMatchObject({
      parameters: 32_768,
      multiplyAdds: 32_768,
      keptMultiplyAdds: 51 * 64,
      multiplyAddsLeftDense: 0,
      choices: choices.length,
    });
    expect(attended.measures['theoreticalSpeedUp']).toBeCloseTo(512 / 51, 6);
    expect(attended.measures['compressionRatio']).toBeCloseTo(512 / 51, 6);
    const gone = choices.reduce((sum, { left, entered }) => sum + left - entered, 0);
    expect(gone).toBe(512 - 51);
    const { lowest, highest, deviation } = attended.search!.attention!;
    expect(lowest).toBeLessThan(highest);
    expect(deviation).toBeGreaterThan(0);

    // Blocks of the final model beside those that were planted: as many of these as support recovery says.
    const masks = await folderStore(folder)
      .trial(trialName(trialOf(sequentialAttention)))
      .masks();
    const { name, gridShape, truth } = masks!.kernels[0]!;
    expect([name, gridShape, masks!.made]).toEqual(['dense_1/kernel', [32, 16], choices.length]);
    expect(masks!.choices.map(({ step }) => step)).toEqual(choices.map(({ step }) => step));
    const [kept, planted] = [unpackMask(masks!.final![0]!, 512), unpackMask(truth!, 512)];
    const count = (bits: Uint8Array) => bits.reduce((sum, bit) => sum + bit, 0);
    expect(count(kept)).toBe(51);
    const found = count(kept.map((bit, block) => bit & planted[block]!));
    expect(found / count(planted)).toBeCloseTo(attended.measures['supportRecovery']!, 12);

    const oneShot = await train(trialOf(magnitude()), magnitude(), { folder });
    expect(oneShot.search?.choices).toMatchObject([{ kept: 51, entered: 0, left: 461 }]);
    expect(oneShot.search?.attention).toBeNull();
  });

  it.each([
    ['with the kept blocks alone where its costs say that it is faster', 0, true],
    ['dense where they say that it is not', 1e9, false],
  ])('computes %s', async (_, perKeptWeight, sparse) => {
    const pruner = magnitude();
    const productCosts = { blockShape: [8, 8], perKeptWeight, perStep: 0 } as const;
    const run = vi.spyOn(tf.engine(), 'runKernel');
    await train({ ...trialOf(pruner), productCosts }, pruner, { folder });
    const kernels = run.mock.calls.map(([name]) => name);
    run.mockRestore();
    // Of training alone: what is measured after it multiplies, and takes no gradient.
    expect(kernels.includes('BlockSparseWeightGradient')).toBe(sparse);
  });

  it('draws what a strategy leaves to chance from the seed of the trial', async () => {
    const drawn: number[] = [];
    const pruner: Pruner = {
      ...magnitude(),
      importance: {
        ...frobenius,
        score(kernel) {
          drawn.push(kernel.seed);
          return frobenius.score(kernel);
        },
      },
    };
    for (const seed of [0, 1]) await train({ ...trialOf(pruner), seed }, pruner, { folder });
    expect(new Set(drawn).size).toBe(2);
  });

  it.each(['checkpoint.bin', 'metrics.jsonl'])('starts anew when %s is damaged', async (file) => {
    const trial = trialOf(null);
    const options = { folder, checkpointEveryMs: 0 };
    const interruption = train(trial, null, {
      ...options,
      onProgress: ({ step }) => {
        if (step > 40) throw new Error('interrupted');
      },
    });
    await expect(interruption).rejects.toThrow('interrupted');
    await truncate(await fileOf(folder, file), 100);
    const steps: number[] = [];
    await train(trial, null, { ...options, onProgress: ({ step }) => steps.push(step) });
    expect(steps[0]).toBeLessThan(32);
    const log = await readFile(await fileOf(folder, 'metrics.jsonl'), 'utf8');
    expect(log.trim().split('\n')).toHaveLength(TOTAL_STEPS);
  });

  it('logs every step once, with its phase, learning rate and sparsity', async () => {
    await train(trialOf(sequentialAttention), sequentialAttention, { folder });
    const lines = (await readFile(await fileOf(folder, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: TOTAL_STEPS }, (_, i) => i));
    expect(lines[0]).toMatchObject({ phase: 'dense', learningRate: 0.1, sparsity: 0 });
    expect(lines.at(-1)).toMatchObject({ phase: 'sparse' });
    // k = round(512 · 0.1) = 51 of 512 blocks.
    expect(lines.at(-1).sparsity).toBeCloseTo(1 - 51 / 512, 12);
  });

  it.each(strategies.map((pruner) => [pruner?.name ?? 'dense', pruner] as const))(
    '%s holds no more tensors at the end of training than early in it',
    async (_, pruner) => {
      const counts: number[] = [];
      await train(trialOf(pruner), pruner, {
        folder,
        onProgress: () => counts.push(tf.memory().numTensors),
      });
      // Of the one kernel, the mask's tensor, the memory of what is masked and the optimiser's slot come and go with the phases.
      const [first = NaN] = counts;
      expect(Math.max(...counts) - first).toBeLessThanOrEqual(3);
    },
  );
});
