import { placePhases, sparsify, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import acdcByDefault, { acdc } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function starts({ search }: Pruner, steps: number, name: string): number[] {
  return placePhases(search.phases, steps).flatMap(({ phase, start }) =>
    phase.name === name ? [start] : [],
  );
}

describe("AC/DC's plans", () => {
  it("on CIFAR-10 is the authors': 200 epochs, sparse from 10, 50, 90, 130 and 170, dense from 30, 70, 110 and 150", () => {
    const pruner = acdc({ plan: 'cifar10' });
    expect(starts(pruner, 200, 'sparse')).toEqual([10, 50, 90, 130, 170]);
    expect(starts(pruner, 200, 'dense')).toEqual([0, 30, 70, 110, 150]);
    // The same in steps: an epoch of 50,000 images in batches of 128 is 391.
    expect(starts(pruner, 200 * 391, 'sparse')).toEqual([10, 50, 90, 130, 170].map((epoch) => epoch * 391));
  });

  it('on ImageNet is 10% dense, 7 cycles of 10%, the last longer by 5%, and 15% sparse', () => {
    expect(starts(acdc(), 100, 'sparse')).toEqual([10, 20, 30, 40, 50, 60, 70, 85]);
    expect(starts(acdc({ plan: 'imagenet' }), 100, 'dense')).toEqual([0, 15, 25, 35, 45, 55, 65, 75]);
  });

  it('on Criteo is 20% dense, 10 cycles of 6% and 20% sparse', () => {
    const pruner = acdc({ plan: 'criteo', prunedWeights: 'masked' });
    expect(starts(pruner, 100, 'sparse')).toEqual([20, 26, 32, 38, 44, 50, 56, 62, 68, 74, 80]);
    expect(starts(pruner, 100, 'dense')).toEqual([0, 23, 29, 35, 41, 47, 53, 59, 65, 71, 77]);
    expect(pruner.search.prunedWeights).toBe('masked');
  });

  it('can have another number of cycles, or be one of your own', () => {
    // 70% in two cycles of 35%.
    expect(starts(acdc({ cycles: 2 }), 200, 'sparse')).toEqual([20, 90, 170]);
    const plan = { warmUp: 0.5, cycles: 1, lastCycleExtension: 0, fineTuning: 0.1 };
    expect(starts(acdc({ plan }), 10, 'sparse')).toEqual([5, 9]);
  });

  it('of a name that there is not are refused, with those that there are', () => {
    expect(() => acdc({ plan: 'imagnet' as 'imagenet' })).toThrow(
      "There is no plan 'imagnet' (a string): choose imagenet or criteo or cifar10, or pass one of your own",
    );
    expect(() => acdc({ cycles: 0 })).toThrow('cycles = 0, and is to be a whole number');
  });
});

describe('AC/DC', () => {
  const plan = { warmUp: 0.2, cycles: 1, lastCycleExtension: 0, fineTuning: 0.2 };

  it.each(['erased', 'masked'] as const)(
    'lets blocks return from the weights they should have when %s',
    async (prunedWeights) => {
      // Of ten steps: dense to 2, sparse to 5, dense to 8, sparse. Blocks [1, 2] and [3, 4]: the first is pruned.
      const w = tf.variable(tf.tensor2d([[1, 2, 3, 4]]));
      const target = {
        sparsity: 0.5,
        blockShape: [1, 2],
        totalSteps: 10,
        minimumBlocks: 1,
        optimizer: null,
      } as const;
      const pruning = await sparsify({ w }, acdc({ plan, prunedWeights }), target);
      const seen: number[][] = [];
      for (let step = 0; step < 10; step++) {
        seen.push(tf.tidy(() => Array.from(pruning.weight('w').dataSync(), (v) => v + 0)));
        await pruning.step();
      }
      const returned = prunedWeights === 'erased' ? [0, 0, 3, 4] : [1, 2, 3, 4];
      expect(seen.slice(0, 6)).toEqual([
        [1, 2, 3, 4],
        [1, 2, 3, 4],
        [0, 0, 3, 4],
        [0, 0, 3, 4],
        [0, 0, 3, 4],
        returned,
      ]);
      expect(seen[8]).toEqual([0, 0, 3, 4]);
      await pruning.finalize();
    },
  );

  it('chooses its support anew each time, by the norms of the moment', async () => {
    const w = tf.variable(tf.tensor2d([[1, 2, 3, 4]]));
    const target = {
      sparsity: 0.5,
      blockShape: [1, 2],
      totalSteps: 10,
      minimumBlocks: 1,
      optimizer: null,
    } as const;
    const pruning = await sparsify({ w }, acdc({ plan }), target);
    for (let step = 0; step < 5; step++) await pruning.step();
    expect(pruning.phase).toBe('dense');
    w.assign(tf.tensor2d([[9, 9, 3, 4]]));
    for (let step = 5; step < 10; step++) await pruning.step();
    await pruning.finalize();
    expect(Array.from(w.dataSync(), (v) => v + 0)).toEqual([9, 9, 0, 0]);
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(acdcByDefault).toBe(acdc);
    expect(acdc({ plan })).toMatchObject({ name: 'acdc', settings: { plan, prunedWeights: 'erased' } });
  });
});
