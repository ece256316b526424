import { placePhases, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import randomByDefault, { random, type RandomSettings } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target = { sparsity: 0.9, blockShape: [1, 1], totalSteps: 2, optimizer: null } as const;

/** The masks that a run over two kernels of 400 blocks ends with. */
async function masks(settings: RandomSettings): Promise<number[][]> {
  const variables = { a: tf.variable(tf.ones([20, 20])), b: tf.variable(tf.ones([20, 20])) };
  const pruning = await sparsify(variables, random(settings), target);
  for (let step = 0; step < 2; step++) await pruning.step();
  await pruning.finalize();
  return pruning.kernels.map(({ mask }) => [...mask]);
}

const overlap = (a: readonly number[] = [], b: readonly number[] = []) =>
  a.reduce((sum, bit, block) => sum + bit * (b[block] as number), 0);

describe('random pruning', () => {
  it("has magnitude's plan: dense for half of the steps, then pruned once", () => {
    const placed = placePhases(random().search.phases, 100);
    expect(placed.map(({ phase, start }) => [phase.name, start])).toEqual([
      ['dense', 0],
      ['sparse', 50],
    ]);
    expect(placePhases(random({ dense: 0.8 }).search.phases, 100)[1]?.start).toBe(80);
    expect(placePhases(random({ dense: 0 }).search.phases, 100).map(({ phase }) => phase.name)).toEqual([
      'sparse',
    ]);
  });

  it('keeps the same blocks for the same seed, others for another seed, others in each kernel', async () => {
    const [first, again, other] = [
      await masks({ seed: 3 }),
      await masks({ seed: 3 }),
      await masks({ seed: 4 }),
    ];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
    expect(first.map((mask) => mask.reduce((a, b) => a + b))).toEqual([40, 40]);
  });

  it('hits any block as often as chance has it', async () => {
    // 40 of 400 blocks: two draws share 4 on average, with a variance of 40 · 0.1 · 0.9 · 360/399 = 3.25.
    const draws = await Promise.all(Array.from({ length: 40 }, (_, seed) => masks({ seed })));
    const shared = draws.map(([a, b]) => overlap(a, b));
    const mean = shared.reduce((a, b) => a + b) / shared.length;
    expect(Math.abs(mean - 4)).toBeLessThan(4 * Math.sqrt(3.25 / 40));
    const rows = new Array<number>(4).fill(0);
    for (const [mask] of draws) {
      mask?.forEach(
        (bit, block) => (rows[Math.floor(block / 100)] = (rows[Math.floor(block / 100)] ?? 0) + bit),
      );
    }
    // A quarter of 1600 blocks kept, in each quarter of the kernel: 400 ± 17.
    for (const count of rows) expect(Math.abs(count - 400)).toBeLessThan(70);
  });

  it('looks neither at the weights nor at when it is asked', async () => {
    const [early] = await masks({ dense: 0 });
    const [late] = await masks({ dense: 0.5 });
    expect(early).toEqual(late);
  });

  it('reaches exactly k blocks, ragged edges included, and leaves no tensor behind', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 7, inputShape: [9] })] });
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, random({ dense: 0.5 }), {
      sparsity: 0.7,
      blockShape: [2, 2],
      totalSteps: 10,
      minimumBlocks: 1,
    });
    const [x, y] = [tf.ones([4, 9]), tf.ones([4, 7])];
    const counts: number[] = [];
    for (let step = 0; step < 10; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      counts.push(tf.memory().numTensors);
    }
    expect(new Set(counts.slice(-4)).size).toBe(1);
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 20, keptBlocks: 6 });
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(randomByDefault).toBe(random);
    expect(random({ seed: 5 })).toMatchObject({ name: 'random', settings: { dense: 0.5, seed: 5 } });
  });

  it('refuses settings out of range, each by its value', () => {
    for (const dense of [1, -0.5, Number.NaN]) {
      expect(() => random({ dense })).toThrow(`dense = ${dense}, and is to be`);
    }
    expect(() => random({ seed: 1.5 })).toThrow('seed = 1.5 is not a whole number from 0');
  });
});
