/**
 * Workloads and strategies that only tests want: small, slow, diverging, broken. No TypeScript: each trial of each test
 * would transpile it anew.
 */
import { acdc } from '@espalier/acdc';
import { frobenius, identity, oneShot } from '@espalier/core';
import { plantedBlocks as plant } from '@espalier/datasets';
import { defineConfig } from 'espalier/config';
import { multilayerPerceptron } from '@espalier/models';
import plantedBlocks, { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';

/** The default workload's network on fewer examples: 64 steps, an instant to make. */
const small = {
  ...plantedBlocks,
  defaults: { ...plantedBlocks.defaults, epochs: 2, seeds: [0], batchSize: 16 },
  async load({ seed }) {
    const { train, test, weights } = plant(seed, {
      inputs: 256,
      outputs: 128,
      blockShape: [8, 8],
      density: 0.1,
      trainExamples: 512,
      testExamples: 256,
      correlation: 0.9,
      scaleRange: 3,
      noise: 1,
    });
    return { train, test, truth: { 'dense_1/kernel': weights } };
  },
};

const planted = plantedBlocksWorkload('two-layers', 'two kernels that share a budget', {
  inputs: 64,
  outputs: 32,
  trainExamples: 256,
  testExamples: 64,
});

/** The planted task, which knows no truth about two layers. */
const twoLayers = {
  ...planted,
  defaults: { ...planted.defaults, epochs: 8, batchSize: 32 },
  async load({ seed }) {
    const { train, test } = await planted.load({ dataFolder: '', seed });
    return { train, test };
  },
  model: (seed) => multilayerPerceptron({ inputs: 64, hidden: [64], outputs: 32, seed }),
  target: { minimumBlocks: 8 },
};

/** One-shot pruning that does something else where it should score. */
const inPlaceOfScoring = (name, action) => () => ({
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
    'acdc-masked': () => acdc({ prunedWeights: 'masked' }),
    breaks: inPlaceOfScoring('breaks', () => {
      throw new Error('this strategy is broken');
    }),
    'is-killed': inPlaceOfScoring('is-killed', () => {
      process.kill(process.pid, 'SIGKILL');
      for (;;); // until the signal arrives
    }),
  },
  workloads: {
    small,
    'two-layers': twoLayers,
    hurried: { ...small, defaults: { ...small.defaults, batchSize: 32 } },
    long: { ...small, defaults: { ...small.defaults, epochs: 10_000 } },
    diverging: { ...small, learningRate: (t) => (t > 0.1 ? 1e30 : 0.1) },
  },
});
