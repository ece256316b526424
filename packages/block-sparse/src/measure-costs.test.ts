import { blockGrid, patternOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { measureCosts, sparseIsFaster } from './index.js';

describe('measured costs', () => {
  it('tell sparse from dense on a backend, and leave no tensor behind', async () => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const costs = await measureCosts([16, 16]);
    expect(tf.memory().numTensors).toBe(before);
    expect(costs.perKeptWeight([16, 16])).toBeGreaterThan(0);
    expect(Number.isFinite(costs.perKeptWeight([16, 16]))).toBe(true);
    expect(costs.perStep).toBeGreaterThan(0);
    const grid = blockGrid([1024, 1024], [16, 16]);
    const keeping = (share: number) =>
      patternOf(
        grid,
        Uint8Array.from({ length: grid.blocks }, (_, i) => Number(i < share * grid.blocks)),
      );
    expect(sparseIsFaster(256, keeping(0.001), costs)).toBe(true);
    expect(sparseIsFaster(256, keeping(1), { ...costs, perKeptWeight: () => 1 })).toBe(false);
  });

  it('can be had for blocks larger than what is timed', async () => {
    await tf.setBackend('cpu');
    const { perKeptWeight } = await measureCosts([512, 16]);
    expect(perKeptWeight([512, 16])).toBeGreaterThan(0);
  });
});
