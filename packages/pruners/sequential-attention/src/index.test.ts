import { placePhases, sparsify, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import byDefault, { sequentialAttention } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const kept = (mask: ArrayLike<number> = []) => Array.from(mask).flatMap((bit, block) => (bit ? [block] : []));
const target = {
  sparsity: 0.5,
  blockShape: [1, 1],
  totalSteps: 40,
  minimumBlocks: 1,
  optimizer: null,
} as const;

/** A run over one row of four weights, all 1: what it computes with is the attention. Rounds at 10, 20, 30 · 40. */
async function row(pruner: Pruner) {
  const w = tf.variable(tf.ones<tf.Rank.R2>([1, 4]));
  const pruning = await sparsify({ w }, pruner, target);
  const [logits] = pruning.addedVariables as [tf.Variable];
  return {
    pruning,
    w,
    logits,
    attention: () => tf.tidy(() => Array.from(pruning.weight('w').dataSync())),
    set: (values: number[]) => tf.tidy(() => logits.assign(tf.tensor2d([values]))),
    steps: async (count: number) => {
      for (let step = 0; step < count; step++) await pruning.step();
    },
  };
}

const inTwoRounds = sequentialAttention({ warmUp: 0.25, rounds: 2, fineTuning: 0.25 });

describe("Sequential Attention's masks", () => {
  it('are all 1 in the warm-up, whatever the logits, which have no gradient there', async () => {
    const { pruning, attention, set, logits, w } = await row(inTwoRounds);
    set([5, -5, 0, 1]);
    expect(attention()).toEqual([1, 1, 1, 1]);
    const { grads } = tf.variableGrads(() => pruning.weight('w').square().sum<tf.Scalar>(), [w, logits]);
    expect(Array.from(grads[logits.name]?.dataSync() ?? [], (g) => g + 0)).toEqual([0, 0, 0, 0]);
  });

  it('are |C| · softmax over all candidates in the first round', async () => {
    const { attention, set, steps, pruning } = await row(inTwoRounds);
    await steps(10);
    expect(kept(pruning.kernels[0]?.chosen)).toEqual([]);
    for (const [i, a] of attention().entries()) expect(a, `block ${i}`).toBeCloseTo(1, 3); // logits near zero
    set([0, 1, 2, 3]);
    // The check numbers for G = 4, L = [0, 1, 2, 3].
    [0.128234, 0.348577, 0.947531, 2.575657].forEach((a, i) => expect(attention()[i]).toBeCloseTo(a, 5));
  });

  it('are 1 for what is selected, and |C| · softmax over the rest in the next round', async () => {
    const { attention, set, steps, pruning } = await row(inTwoRounds);
    await steps(10);
    set([0, 1, 2, 3]);
    await steps(10);
    expect(kept(pruning.kernels[0]?.chosen)).toEqual([3]);
    set([Math.log(1), Math.log(2), Math.log(3), 99]);
    // 3 · [1, 2, 3] / 6 over the three candidates.
    [0.5, 1, 1.5, 1].forEach((a, i) => expect(attention()[i]).toBeCloseTo(a, 5));
  });

  it('are 1 for the k selected and 0 for the others in the fine-tuning', async () => {
    const { attention, set, steps, pruning, w } = await row(inTwoRounds);
    await steps(10);
    set([0, 1, 2, 3]);
    await steps(10);
    set([7, 1, 2, -99]);
    await steps(10);
    expect(attention()).toEqual([1, 0, 0, 1]);
    set([1, 2, 3, 4]);
    expect(attention()).toEqual([1, 0, 0, 1]);
    await steps(10);
    await pruning.finalize();
    expect(Array.from(w.dataSync(), (v) => v + 0)).toEqual([1, 0, 0, 1]);
  });

  it('sharpen under a temperature below 1', async () => {
    const { attention, set, steps } = await row(
      sequentialAttention({ warmUp: 0.25, rounds: 2, temperature: 0.5 }),
    );
    await steps(10);
    set([0, Math.log(2), 0, 0]);
    // 4 · [1, 4, 1, 1] / 7
    [4 / 7, 16 / 7, 4 / 7, 4 / 7].forEach((a, i) => expect(attention()[i]).toBeCloseTo(a, 5));
  });
});

describe('the logits', () => {
  it('are drawn anew for each round, near zero, the same for the same seed, and for each kernel its own', async () => {
    const draws = async (seed: number) => {
      const variables = { a: tf.variable(tf.ones([30, 30])), b: tf.variable(tf.ones([30, 30])) };
      const pruner = sequentialAttention({ warmUp: 0.25, rounds: 2, fineTuning: 0.25, seed });
      const pruning = await sparsify(variables, pruner, target);
      const seen: number[][] = [];
      for (let step = 1; step <= 40; step++) {
        await pruning.step();
        if (step % 10 === 0)
          seen.push(...pruning.addedVariables.map((logits) => Array.from(logits.dataSync())));
      }
      return seen.slice(0, 4);
    };
    const [first, again, other] = [await draws(1), await draws(1), await draws(2)];
    expect(again).toEqual(first);
    expect(new Set([...first, ...other].map(String)).size).toBe(8);
    for (const logits of first) {
      // 900 draws of σ = 1e-5: their mean square root is within 10% (four standard deviations).
      const deviation = Math.sqrt(logits.reduce((sum, l) => sum + l * l, 0) / 900);
      expect(Math.abs(deviation / 1e-5 - 1)).toBeLessThan(0.1);
    }
  });
});

describe('Sequential Attention', () => {
  it('is a warm-up of 10%, ten rounds of 6.5%, and fine-tuning for a quarter', () => {
    const starts = placePhases(sequentialAttention().search.phases, 1000).map(({ start }) => start);
    expect(starts).toEqual([0, 100, 165, 230, 295, 360, 425, 490, 555, 620, 685, 750]);
  });

  it('finds the block that matters though its weights are the smallest', async () => {
    // y = 10 · x₀; x₀ starts under the smallest weight, which magnitude would prune first.
    const w = tf.variable(tf.tensor2d([0.1, 1, -1, 0.8], [4, 1]));
    const optimizer = tf.train.momentum(0.01, 0.9);
    const pruner = sequentialAttention({ rounds: 1, warmUp: 0.1, fineTuning: 0.4 });
    const pruning = await sparsify({ w }, pruner, { ...target, sparsity: 0.75, totalSteps: 80, optimizer });
    const x = tf.randomNormal<tf.Rank.R2>([64, 4], 0, 1, 'float32', 3);
    const y = x.slice([0, 0], [64, 1]).mul(10);
    const loss = () => tf.losses.meanSquaredError(y, x.matMul(pruning.weight('w'))) as tf.Scalar;
    for (let step = 0; step < 80; step++) {
      optimizer.minimize(loss, false, [w, ...pruning.addedVariables]);
      await pruning.step();
    }
    await pruning.finalize();
    const [first, ...others] = Array.from(w.dataSync(), (v) => v + 0);
    expect(others).toEqual([0, 0, 0]);
    expect(first).toBeGreaterThan(5);
  });

  it('only ever adds to what is selected, reaches exactly k on ragged edges, and leaves no tensor behind', async () => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 4 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const names = model.weights.map(({ name }) => name);
    const pruning = await sparsify(model, sequentialAttention({ rounds: 4 }), {
      sparsity: 0.6,
      blockShape: [2, 2],
      totalSteps: 40,
      minimumBlocks: 1,
    });
    const [x, y] = [
      tf.randomNormal([32, 9], 0, 1, 'float32', 1),
      tf.randomNormal([32, 7], 0, 1, 'float32', 2),
    ];
    const leaked: number[] = [];
    const sizes: number[] = [];
    let before: number[] = [];
    for (let step = 1; step <= 40; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      leaked.push(tf.memory().numTensors);
      if (step < 4) continue; // the warm-up
      const now = kept(pruning.kernels[0]?.chosen);
      expect(now).toEqual(expect.arrayContaining(before));
      if (now.length !== sizes.at(-1)) sizes.push(now.length);
      before = now;
    }
    expect(sizes).toEqual([0, 2, 4, 6, 8]); // 20 · 0.4 = 8 in four rounds
    expect(new Set(leaked.slice(-6)).size).toBe(1);
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 20, keptBlocks: 8 });
    expect(model.weights.map(({ name }) => name)).toEqual(names);
  });

  it('that ends early keeps what is selected, and the best candidates beside it', async () => {
    const { set, steps, pruning, w } = await row(inTwoRounds);
    await steps(10);
    set([0, 1, 2, 3]);
    await steps(10);
    set([2, 5, 3, -9]);
    await pruning.finalize();
    // 3 is selected already; of the candidates 1 has the most attention, 3 · e⁵ / (e² + e⁵ + e³), and keeps it.
    const attention = (3 * Math.exp(5)) / (Math.exp(2) + Math.exp(5) + Math.exp(3));
    expect(Array.from(w.dataSync(), (v) => v + 0)).toEqual([0, expect.closeTo(attention, 5), 0, 1]);
    expect(kept(pruning.kernels[0]?.chosen)).toEqual([1, 3]);
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(byDefault).toBe(sequentialAttention);
    expect(sequentialAttention({ rounds: 3 })).toMatchObject({
      name: 'sequential-attention',
      settings: { warmUp: 0.1, rounds: 3, fineTuning: 0.25, temperature: 1, seed: 0 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => sequentialAttention({ rounds: 0 })).toThrow(
      'rounds = 0, and is to be a whole number from 1',
    );
    expect(() => sequentialAttention({ warmUp: -1 })).toThrow('warmUp = -1');
    expect(() => sequentialAttention({ fineTuning: 1 })).toThrow('fineTuning = 1');
    expect(() => sequentialAttention({ temperature: 0 })).toThrow(
      'temperature = 0 is not a finite number above 0',
    );
    expect(() => sequentialAttention({ seed: Number.NaN })).toThrow('seed = NaN');
  });
});
