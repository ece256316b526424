/** Workloads and strategies that hang, each in its own way. */
import { frobenius, identity, oneShot, type Pruner } from '@espalier/core';
import { defineConfig } from 'espalier/config';
import { classification } from '@espalier/workloads';
import type { Workload } from '@espalier/workloads';
import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';

const planted = plantedBlocksWorkload('brief', 'an instant to train', {
  inputs: 64,
  outputs: 32,
  trainExamples: 256,
  testExamples: 64,
});
const brief: Workload = {
  ...planted,
  defaults: { ...planted.defaults, seeds: [0], epochs: 8, batchSize: 32 },
  target: { minimumBlocks: 8 },
};

/** In its trial alone: where it is rehearsed, it does not come to score. */
const whereItScores = (name: string, action: () => never) => (): Pruner => ({
  name,
  description: 'does not score',
  source: 'none',
  settings: {},
  parameterisation: identity,
  importance: { ...frobenius, score: action },
  search: oneShot(),
});

export default defineConfig({
  pruners: {
    deaf: whereItScores('deaf', () => {
      process.on('SIGTERM', () => {});
      // For ever, and without a processor, which other tests may want.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      throw new Error('Somebody woke it');
    }),
  },
  workloads: {
    brief,
    'never-loads': { ...brief, load: () => new Promise(() => {}) },
    'loads-and-leaves-a-timer': {
      ...brief,
      load(options) {
        setInterval(() => {}, 1000);
        return brief.load(options);
      },
    },
    /** Labels of forty classes, and a model with outputs for 32. */
    'wrong-labels': {
      ...brief,
      task: classification,
      async load(options) {
        const { train, test } = await brief.load(options);
        const labelled = (part: typeof train): typeof train => ({
          ...part,
          target: { shape: [], type: 'int32' },
          gather: async (indices) => ({
            inputs: (await part.gather(indices)).inputs,
            targets: Int32Array.from(indices, (i) => i % 40),
          }),
        });
        return { train: labelled(train), test: labelled(test) };
      },
    },
  },
});
