import { blockGrid, sparsify, uniform, type Choice, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import riglByDefault, { rigl } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const kept = (mask: ArrayLike<number> = []) => Array.from(mask).flatMap((bit, block) => (bit ? [block] : []));

/** The next choice of RigL on ten blocks. */
function next(choice: Partial<Choice>, settings = {}): number[] {
  const [phase] = rigl(settings).search.phases;
  const made = phase?.choose?.({
    seed: 1,
    grid: blockGrid([1, 10], [1, 1]),
    scores: new Float32Array(10),
    growthScores: new Float32Array(10),
    chosen: new Uint8Array(10),
    candidates: new Uint8Array(10).fill(1),
    keep: 4,
    progress: 0,
    ...choice,
  });
  return kept(made);
}

const model = (units = 12, inputs = 12) => {
  const made = tf.sequential({
    layers: [
      tf.layers.dense({
        units,
        inputShape: [inputs],
        kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }),
      }),
    ],
  });
  made.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
  return made;
};

describe('an exchange of RigL', () => {
  // Chosen are 0, 2, 5 and 7, of norms 4, 1, 3 and 2. At α = 0.6 the start drops 0.6 · 4 = 2.4, two of them.
  const chosen = Uint8Array.of(1, 0, 1, 0, 0, 1, 0, 1, 0, 0);
  const scores = [4, 0, 1, 0, 0, 3, 0, 2, 0, 0];

  it('drops the smallest norms and grows the largest gradients', () => {
    const growthScores = [9, 1, 0, 5, 2, 9, 8, 0, 3, 4];
    expect(next({ chosen, scores, growthScores, progress: 1e-9 }, { alpha: 0.6 })).toEqual([0, 3, 5, 6]);
  });

  it('keeps what it dropped where that has the largest gradient', () => {
    const growthScores = [9, 1, 7, 5, 2, 9, 6, 8, 3, 4];
    expect(next({ chosen, scores, growthScores, progress: 1e-9 }, { alpha: 0.6 })).toEqual([0, 2, 5, 7]);
  });

  it('keeps what it dropped where nothing else has a gradient', () => {
    // Norms of zeros are 1e-15. Only block 6 can grow, and 7 is the larger of the two that were dropped.
    const growthScores = [9, 0, 0, 0, 0, 9, 8, 0, 0, 0].map((norm) => Math.max(norm, 1e-15));
    expect(next({ chosen, scores, growthScores, progress: 1e-9 }, { alpha: 0.6 })).toEqual([0, 5, 6, 7]);
  });

  it('drops 0.3, 0.15 and 0 of the blocks at t / T_end = 0, 0.5 and 1', () => {
    // Ten chosen of 20 blocks, the others with the larger gradient: 3, 1 (1.5) and 0 are new.
    const blocks = Array.from({ length: 20 }, (_, i) => i);
    const choice = {
      grid: blockGrid([1, 20], [1, 1]),
      keep: 10,
      chosen: Uint8Array.from(blocks, (b) => Number(b < 10)),
      scores: blocks,
      growthScores: blocks,
    };
    const grown = [1e-9, 0.5, 1].map(
      (progress) => next({ ...choice, progress }).filter((b) => b >= 10).length,
    );
    expect(grown).toEqual([3, 1, 0]); // 10 · 0.3, ⌊10 · 0.15⌋, 0
  });
});

describe('RigL', () => {
  it('is sparse from the first step, keeps exactly k throughout, exchanges on time, and grows from zero', async () => {
    const net = model();
    const pruning = await sparsify(net, rigl({ everySteps: 5, seed: 2 }), {
      sparsity: 0.75,
      blockShape: [2, 2],
      totalSteps: 40,
      minimumBlocks: 1,
    });
    const [kernel] = pruning.kernels;
    const [x, y] = [
      tf.randomNormal([32, 12], 0, 1, 'float32', 1),
      tf.randomNormal([32, 12], 0, 1, 'float32', 2),
    ];
    const changes: number[] = [];
    const leaked: number[] = [];
    let before = kept(kernel?.mask);
    expect(before).toHaveLength(9); // 36 · 0.25
    for (let step = 1; step <= 40; step++) {
      await net.trainOnBatch(x, y);
      await pruning.step();
      leaked.push(tf.memory().numTensors);
      const now = kept(kernel?.mask);
      expect(now).toHaveLength(9);
      const grown = now.filter((block) => !before.includes(block));
      if (grown.length > 0) changes.push(step);
      const raw = tf.tidy(() => kernel?.variable.arraySync() as number[][]);
      for (const block of grown) {
        const [row, column] = [2 * Math.floor(block / 6), 2 * (block % 6)];
        expect(
          [0, 1].flatMap((i) => [0, 1].map((j) => Math.abs(raw[row + i]?.[column + j] as number))),
        ).toEqual([0, 0, 0, 0]);
      }
      // ⌊9 · 0.15 (1 + cos(π t / 30))⌋ at t = 5, 10, … 25 is 2, 2, 1, 0, 0.
      expect(grown.length).toBeLessThanOrEqual(step % 5 === 0 ? ([2, 2, 1, 0, 0][step / 5 - 1] ?? 0) : 0);
      before = now;
    }
    expect(changes.length).toBeGreaterThan(0);
    expect(new Set(leaked.slice(31)).size).toBe(1);
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 36, keptBlocks: 9 });
  });

  it('ends with exactly k blocks on ragged edges, and at one block', async () => {
    for (const [sparsity, blocks] of [
      [0.7, 6],
      [0.99, 1],
    ] as const) {
      const net = model(7, 9);
      const pruning = await sparsify(net, rigl({ everySteps: 2 }), {
        sparsity,
        blockShape: [2, 2],
        totalSteps: 12,
        minimumBlocks: 1,
      });
      for (let step = 0; step < 12; step++) {
        await net.trainOnBatch(tf.randomNormal([8, 9], 0, 1, 'float32', step + 1), tf.ones([8, 7]));
        await pruning.step();
      }
      expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 20, keptBlocks: blocks });
    }
  });

  it('starts from a support by seed, each kernel its own, shared by Erdős–Rényi kernel or as the target says', async () => {
    const supports = async (seed: number, more: Partial<Target> = {}) => {
      const variables = { a: tf.variable(tf.ones([10, 10])), b: tf.variable(tf.ones([10, 40])) };
      const pruning = await sparsify(variables, rigl({ seed }), {
        sparsity: 0.5,
        blockShape: [1, 1],
        totalSteps: 200,
        optimizer: null,
        ...more,
      });
      return pruning.kernels.map(({ mask }) => kept(mask));
    };
    const [first, again, other] = [await supports(1), await supports(1), await supports(2)];
    // Densities ε · 20/100 and ε · 50/400 with 100 · 0.2 ε + 400 · 0.125 ε = 250: 0.714 and 0.446.
    expect(first.map(({ length }) => length)).toEqual([71, 179]);
    expect((await supports(1, { allocation: uniform })).map(({ length }) => length)).toEqual([50, 200]);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(first[0]).not.toEqual(first[1]?.slice(0, 71));
  });

  it('is refused where the steps leave no exchange', async () => {
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: 100, minimumBlocks: 1 } as const;
    await expect(sparsify(model(), rigl(), target)).rejects.toThrow(
      'Phase 1 (drop and grow) selects every 100 steps, and has 75: select more often, or train longer',
    );
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(riglByDefault).toBe(rigl);
    expect(rigl({ everySteps: 10 })).toMatchObject({
      name: 'rigl',
      settings: { everySteps: 10, until: 0.75, alpha: 0.3, seed: 0 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => rigl({ everySteps: 0 })).toThrow(
      'everySteps = 0, and is to be a whole number of at least 1',
    );
    expect(() => rigl({ until: 1 })).toThrow(
      'until = 1, and is to be a share of training, a number in (0, 1)',
    );
    expect(() => rigl({ alpha: 0 })).toThrow(
      'alpha = 0, and is to be the share of the chosen blocks to drop at first',
    );
    expect(() => rigl({ seed: -1 })).toThrow('seed = -1 is not a whole number from 0');
  });
});
