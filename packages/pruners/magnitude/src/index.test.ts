import { placePhases, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import magnitudeByDefault, { magnitude } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('magnitude', () => {
  it('trains dense for half of the steps, prunes once, and fine-tunes for the other half', () => {
    const placed = placePhases(magnitude().search.phases, 100);
    expect(placed.map(({ phase, start, end }) => [phase.name, start, end])).toEqual([
      ['dense', 0, 50],
      ['sparse', 50, 100],
    ]);
    expect(placePhases(magnitude({ dense: 0.8 }).search.phases, 100)[1]?.start).toBe(80);
  });

  it('keeps the blocks of largest Frobenius norm', async () => {
    // Norms of the four blocks: 5 ([3, 4]), √2, 4 and √32 = 5.66.
    const w = tf.variable(tf.tensor2d([3, 4, 1, 1, 0, 4, 4, 4], [2, 4]));
    const target = {
      sparsity: 0.5,
      blockShape: [1, 2],
      totalSteps: 2,
      minimumBlocks: 1,
      optimizer: null,
    } as const;
    const pruning = await sparsify({ w }, magnitude(), target);
    await pruning.step();
    await pruning.finalize();
    expect(Array.from(w.dataSync(), (v) => v + 0)).toEqual([3, 4, 0, 0, 0, 0, 4, 4]);
  });

  it('trains what is left, and lets nothing back', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 20, inputShape: [20] })] });
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, magnitude(), { sparsity: 0.9, blockShape: [2, 2], totalSteps: 10 });
    const [kernel] = pruning.kernels;
    const masks: string[] = [];
    const weights: string[] = [];
    const [x, y] = [
      tf.randomNormal([8, 20], 0, 1, 'float32', 1),
      tf.randomNormal([8, 20], 0, 1, 'float32', 2),
    ];
    for (let step = 1; step <= 10; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      masks.push(String(kernel?.mask));
      weights.push(String(tf.tidy(() => kernel?.effective().dataSync())));
    }
    expect(new Set(masks.slice(4)).size).toBe(1);
    expect(new Set(weights.slice(4)).size).toBe(6);
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 100, keptBlocks: 10 });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(magnitudeByDefault).toBe(magnitude);
    expect(magnitude({ dense: 0.8 })).toMatchObject({ name: 'magnitude', settings: { dense: 0.8 } });
  });

  it.each([0, 1, -0.5, Number.NaN])('refuses a dense share of %s', (dense) => {
    expect(() => magnitude({ dense })).toThrow(
      `dense = ${dense}, and is to be a share of training, a number in (0, 1)`,
    );
  });
});
