import { keepAll, topK, type BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { frobenius } from '../importances.js';
import type { Pruner } from '../pruner.js';
import { randomNumbers } from '../random.js';
import { sparsePhase } from '../search/phases.js';
import { byMagnitude, randomTensor } from '../test-support.js';
import { sparsify } from './sparsify.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The seeds that a parameterisation, an importance and a search are given for two kernels. */
async function seedsOf(target: Partial<Target>) {
  const seen = {
    parameterisation: new Set<number>(),
    importance: new Set<number>(),
    search: new Set<number>(),
  };
  const pruner: Pruner = {
    ...byMagnitude(),
    parameterisation: {
      name: 'watching',
      buffers: ({ seed }) => {
        seen.parameterisation.add(seed);
        return {};
      },
    },
    importance: {
      name: 'watching',
      score: (kernel) => {
        seen.importance.add(kernel.seed);
        return frobenius.score(kernel);
      },
    },
    search: {
      name: 'watching',
      prunedWeights: 'masked',
      phases: [
        {
          ...sparsePhase(1),
          choose: ({ seed, grid, keep }): BlockMask => {
            seen.search.add(seed);
            return topK(randomNumbers(grid.blocks, seed), keep, keepAll(grid.blocks));
          },
        },
      ],
    },
  };
  const variables = { a: tf.variable(randomTensor([4, 4])), b: tf.variable(randomTensor([4, 4])) };
  const pruning = await sparsify(variables, pruner, {
    sparsity: 0.5,
    blockShape: [1, 1],
    totalSteps: 4,
    minimumBlocks: 1,
    optimizer: null,
    ...target,
  });
  const masks = pruning.kernels.map(({ mask }) => mask.join(''));
  await pruning.finalize();
  const [first] = [...seen.search];
  // The probe of `assertCombination` is a kernel too.
  seen.parameterisation.delete(1);
  return {
    seeds: [...seen.search],
    first,
    masks,
    all: Object.values(seen).map((seeds) => [...seeds].join()),
  };
}

describe('the seed of a run', () => {
  it('gives each kernel one of its own, the same in all parts of a strategy', async () => {
    const { seeds, all, masks } = await seedsOf({ seed: 5 });
    expect(new Set(seeds).size).toBe(2);
    expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 1 && seed < 2 ** 32)).toBe(true);
    expect(new Set(all).size).toBe(1);
    expect(masks[0]).not.toBe(masks[1]);
  });

  it('is 0 when absent, and another gives others', async () => {
    const [absent, zero, one] = [await seedsOf({}), await seedsOf({ seed: 0 }), await seedsOf({ seed: 1 })];
    expect(absent).toEqual(zero);
    expect(new Set([...zero.seeds, ...one.seeds]).size).toBe(4);
    expect(one.masks).not.toEqual(zero.masks);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('of %s is refused', async (seed) => {
    await expect(seedsOf({ seed })).rejects.toThrow(`seed = ${seed} is not a whole number from 0`);
  });
});
