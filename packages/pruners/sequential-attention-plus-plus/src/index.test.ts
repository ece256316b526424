import { placePhases, sparsify, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import byDefault, { paperSettings, sequentialAttentionPlusPlus } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function starts({ search }: Pruner, steps: number, name: string): number[] {
  return placePhases(search.phases, steps).flatMap(({ phase, start }) =>
    phase.name === name ? [start] : [],
  );
}

describe("SequentialAttention++'s plans", () => {
  it('on ImageNet is 10% dense, six cycles in three equal parts, a sparsification phase of 15% and 15% sparse', () => {
    // In 300 steps a cycle is 30 and a part 10; the seventh cycle with its extension is 30 + 15.
    const pruner = sequentialAttentionPlusPlus();
    expect(starts(pruner, 300, 'sparsification')).toEqual([30, 60, 90, 120, 150, 180, 210]);
    expect(starts(pruner, 300, 'sparse')).toEqual([40, 70, 100, 130, 160, 190, 255]);
    expect(starts(pruner, 300, 'dense')).toEqual([0, 50, 80, 110, 140, 170, 200]);
  });

  it('on Criteo is 20% dense, nine cycles in three equal parts, a sparsification phase of 6% and 20% sparse', () => {
    const pruner = sequentialAttentionPlusPlus({ plan: 'criteo' });
    expect(starts(pruner, 100, 'sparsification')).toEqual([20, 26, 32, 38, 44, 50, 56, 62, 68, 74]);
    expect(starts(pruner, 100, 'sparse')).toEqual([22, 28, 34, 40, 46, 52, 58, 64, 70, 80]);
    expect(starts(pruner, 100, 'dense')).toEqual([0, 24, 30, 36, 42, 48, 54, 60, 66, 72]);
  });

  it("on CIFAR-10 has AC/DC's cycles, from epochs 10, 50, 90 and 130 of 200, and is sparse from 170", () => {
    // In 600 steps an epoch is 3, a cycle of 40 epochs 120 and a part 40; the last cycle is one sparsification phase.
    const pruner = sequentialAttentionPlusPlus({ plan: 'cifar10' });
    expect(starts(pruner, 600, 'sparsification')).toEqual([30, 150, 270, 390]);
    expect(starts(pruner, 600, 'sparse')).toEqual([70, 190, 310, 510]);
    expect(starts(pruner, 600, 'dense')).toEqual([0, 110, 230, 350]);
    // By AC/DC's own split: as long dense as not, so dense from epochs 30, 70 and 110 as AC/DC is.
    const split = { sparsification: 1, sparse: 1, dense: 2 };
    expect(starts(sequentialAttentionPlusPlus({ plan: 'cifar10', split }), 200, 'dense')).toEqual([
      0, 30, 70, 110,
    ]);
  });

  it('can have another number of cycles, another split, or be one of your own', () => {
    // 70% in two cycles of 35%: of 200 steps 70, 10 + 20 + 40 by the split; then 70 + 10.
    const split = { sparsification: 1, sparse: 2, dense: 4 };
    expect(starts(sequentialAttentionPlusPlus({ cycles: 2, split }), 200, 'dense')).toEqual([0, 50]);
    expect(starts(sequentialAttentionPlusPlus({ cycles: 2, split }), 200, 'sparsification')).toEqual([
      20, 90,
    ]);
    const plan = { warmUp: 0.5, cycles: 1, lastCycleExtension: 0, fineTuning: 0.1 };
    expect(starts(sequentialAttentionPlusPlus({ plan }), 10, 'sparse')).toEqual([9]);
  });
});

describe('SequentialAttention++', () => {
  it("prunes along the paper's curve: 0.579523, 0.792717 and 0.871147 at its quarters for s = 0.9", () => {
    const curve = sequentialAttentionPlusPlus().search.phases[1]?.curve as (t: number) => number;
    expect([0.25, 0.5, 0.75].map((t) => 0.9 * curve(t))).toEqual([
      expect.closeTo(0.579523, 6),
      expect.closeTo(0.792717, 6),
      expect.closeTo(0.871147, 6),
    ]);
  });

  it('finds the block that matters though its weights are the smallest', async () => {
    // y = 10 · x₀; x₀ starts under the smallest weight, which magnitude would prune first.
    const w = tf.variable(tf.tensor2d([0.1, 1, -1, 0.8], [4, 1]));
    const optimizer = tf.train.momentum(0.01, 0.9);
    const plan = { warmUp: 0.3, cycles: 2, lastCycleExtension: 0, fineTuning: 0.2 };
    const pruning = await sparsify({ w }, sequentialAttentionPlusPlus({ plan }), {
      sparsity: 0.75,
      blockShape: [1, 1],
      totalSteps: 60,
      minimumBlocks: 1,
      optimizer,
    });
    const x = tf.randomNormal<tf.Rank.R2>([64, 4], 0, 1, 'float32', 3);
    const y = x.slice([0, 0], [64, 1]).mul(10);
    const losses: number[] = [];
    for (let step = 0; step < 60; step++) {
      const loss = () => tf.losses.meanSquaredError(y, x.matMul(pruning.weight('w'))) as tf.Scalar;
      const value = optimizer.minimize(loss, true, [w, ...pruning.addedVariables]) as tf.Scalar;
      losses.push(value.dataSync()[0] as number);
      await pruning.step();
    }
    await pruning.finalize();
    const [first, ...others] = Array.from(w.dataSync(), (v) => v + 0);
    expect(others).toEqual([0, 0, 0]);
    expect(first).toBeGreaterThan(5);
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 10);
  });

  it('keeps the weights of pruned blocks for their return', () => {
    expect(sequentialAttentionPlusPlus().search.prunedWeights).toBe('masked');
  });

  it("lets its logits travel, or leaves them to the optimiser by the paper's settings", () => {
    expect(sequentialAttentionPlusPlus()).toMatchObject({ settings: { travel: 8 } });
    expect(Object.keys(sequentialAttentionPlusPlus().parameterisation.learningRates!)).toEqual(['logits']);
    const { settings, parameterisation } = sequentialAttentionPlusPlus({ ...paperSettings, plan: 'criteo' });
    expect(settings['travel']).toBe('optimizer');
    expect(parameterisation.learningRates).toBeUndefined();
    expect(() => sequentialAttentionPlusPlus({ travel: -1 })).toThrow(
      'travel = -1, and is to be how far the logits travel',
    );
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(byDefault).toBe(sequentialAttentionPlusPlus);
    expect(sequentialAttentionPlusPlus({ cycles: 3, temperature: 0.25 })).toMatchObject({
      name: 'sequential-attention-plus-plus',
      settings: {
        plan: { warmUp: 0.1, cycles: 3, lastCycleExtension: 0.05, fineTuning: 0.15 },
        temperature: 0.25,
        curveConstant: 4,
        split: { sparsification: 1, sparse: 1, dense: 1 },
      },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => sequentialAttentionPlusPlus({ cycles: 0 })).toThrow(
      'cycles = 0, and is to be a whole number from 1',
    );
    expect(() => sequentialAttentionPlusPlus({ temperature: 0 })).toThrow(
      'temperature = 0, and is to be a softmax temperature',
    );
    expect(() => sequentialAttentionPlusPlus({ curveConstant: -4 })).toThrow(
      "c = -4, and is to be the sparsification curve's constant",
    );
    expect(() => sequentialAttentionPlusPlus({ split: { sparsification: 0, sparse: 1, dense: 1 } })).toThrow(
      'sparsification = 0, and is to be a part of a cycle',
    );
    expect(() => sequentialAttentionPlusPlus({ plan: 'cifar100' as 'criteo' })).toThrow(
      "There is no plan 'cifar100'",
    );
  });
});
