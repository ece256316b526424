import { deriveSeed, identity, oneShot, randomNumbers, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { checkSeeds, type MakePruner } from './index.js';

/** Scores its blocks by lot. */
const byLot = (seedOf: (seed: number) => number, settings: Pruner['settings']): MakePruner => {
  return () => ({
    name: 'by-lot',
    description: 'One-shot, by lot',
    source: 'a control',
    settings,
    parameterisation: identity,
    importance: {
      name: 'lot',
      score: ({ seed, grid: { blocks, gridShape } }) =>
        tf.tensor2d(Float32Array.from(randomNumbers(blocks, seedOf(seed))), [...gridShape]),
    },
    search: oneShot(),
  });
};

describe('a strategy that leaves its scores to chance', () => {
  it('and draws from a setting alone is told that its seeds are one', async () => {
    await expect(checkSeeds(byLot(() => 7, { seed: 7 }))).rejects.toThrow(
      /^Runs of two seeds are the same, though the strategy has a setting `seed`: draw from the seed of the kernel/,
    );
  });

  it('and draws anew each time is told that its seed is none', async () => {
    let draws = 0;
    await expect(checkSeeds(byLot(() => ++draws, {}))).rejects.toThrow('Two runs of the same seed differ');
  });

  it('from the seed of the run, varied by a setting or not, is sound', async () => {
    await checkSeeds(byLot((seed) => deriveSeed(seed, 7), { seed: 7 }));
    await checkSeeds(byLot((seed) => seed, {}));
  });
});
