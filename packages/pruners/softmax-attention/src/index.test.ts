import { placePhases, sparsify, type Pruner, type Target } from '@espalier/core';
import { centralDifferences } from '@espalier/pruner-conformance';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import byDefault, { paperSettings, softmaxAttentionPruning, type SoftmaxAttentionSettings } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[], digits = 5) => numbers.map((v) => expect.closeTo(v, digits));
const random = (shape: [number, number], seed: number) =>
  tf.randomNormal<tf.Rank.R2>(shape, 0, 1, 'float32', seed);

/** A variable under attention, in blocks of one and at a tenth of them unless said. */
async function prune(weight: tf.Tensor2D, settings: SoftmaxAttentionSettings, target: Partial<Target> = {}) {
  const w = tf.variable(weight);
  const pruning = await sparsify({ w }, softmaxAttentionPruning(settings), {
    sparsity: 0.9,
    blockShape: [1, 1],
    totalSteps: 4,
    minimumBlocks: 1,
    optimizer: null,
    ...target,
  } as Target & { optimizer: null });
  const effective = () => values(tf.tidy(() => pruning.weight('w')));
  return { w, pruning, logits: pruning.addedVariables[0] as tf.Variable, effective };
}

describe('the attention of logits [0, 1, 2, 3]', () => {
  // Of weights 1 the effective weight is the attention. e^L = 1, 2.718282, 7.389056, 20.085537, sum 31.192875.
  const e = [1, 2.718282, 7.389056, 20.085537];
  it.each([
    ['G · softmax(L)', { clip: 'off' }, 0.1, [0.128234, 0.348577, 0.947531, 2.575657]],
    ['clipped to [d, 1/d]', {}, 0.5, [0.5, 0.5, 0.947531, 2]],
    ['clipped to bounds of your own', { clip: [0.2, 1.5] }, 0.5, [0.2, 0.348577, 0.947531, 1.5]],
    ['G · softmax(L / 2)', { clip: 'off', temperature: 2 }, 0.1, [0.406145, 0.66962, 1.104017, 1.820217]],
    ['e^L', { normalised: false, clip: 'off' }, 0.1, e],
    ['e^L clipped to [d, 1/d]', { normalised: false }, 0.1, [1, 2.718282, 7.389056, 10]],
    ['e^(2 L)', { normalised: false, temperature: 0.5, clip: 'off' }, 0.1, e.map((v) => v * v)],
  ] as const)('is %s', async (_, settings, density, expected) => {
    const { logits, effective } = await prune(tf.ones([2, 2]), settings, { sparsity: 1 - density });
    logits.assign(tf.tensor2d([0, 1, 2, 3], [2, 2]));
    expect(effective()).toEqual(close(expected, 3));
    effective().forEach((v, i) => expect(v / (expected[i] as number)).toBeCloseTo(1, 5));
  });

  it.each([true, false])(
    'scores the blocks in their order (normalised: %s), beyond the clipping too',
    async (normalised) => {
      const { w, pruning, logits } = await prune(
        tf.tensor2d([[9, 1, 1, 1]]),
        { normalised },
        { sparsity: 0.5 },
      );
      logits.assign(tf.tensor2d([[-50, 60, -40, 50]]));
      await pruning.finalize();
      expect(values(w).map((v) => v !== 0)).toEqual([false, true, false, true]);
    },
  );
});

describe.each([true, false])('attention (normalised: %s)', (normalised) => {
  it('starts at 1: the effective weight is the plain one bit by bit, ragged edges included', async () => {
    const { w, effective } = await prune(random([5, 7], 1), { normalised }, { blockShape: [2, 3] });
    expect(effective()).toEqual(values(random([5, 7], 1)));
    expect(values(w)).toEqual(values(random([5, 7], 1)));
  });

  it.each([1, 0.25])(
    'has the gradients of finite differences, by V and by L (τ = %s)',
    async (temperature) => {
      const settings = { normalised, temperature, clip: 'off' } as const;
      const { w, pruning, logits } = await prune(random([5, 4], 3), settings, { blockShape: [2, 3] });
      logits.assign(random([3, 2], 5).mul(0.3));
      const goal = random([5, 4], 4);
      const loss = () => pruning.weight('w').sub(goal).square().sum() as tf.Scalar;
      const { grads } = tf.variableGrads(loss, [w, logits]);
      const h = 2e-3;
      for (const variable of [w, logits]) {
        const differences = centralDifferences(loss, variable, h);
        const largest = Math.max(...differences.map(Math.abs));
        expect(largest).toBeGreaterThan(0.1);
        values(grads[variable.name] as tf.Tensor).forEach((gradient, i) =>
          expect(Math.abs(gradient - (differences[i] as number)) / largest).toBeLessThan(5e-3),
        );
      }
    },
  );

  it('keeps k blocks of a ragged kernel, and no tensor of a step', async () => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, softmaxAttentionPruning({ normalised }), {
      sparsity: 0.6,
      blockShape: [2, 3],
      totalSteps: 20,
      minimumBlocks: 1,
    });
    const [x, y] = [random([8, 9], 1), random([8, 7], 2)];
    const held: number[] = [];
    for (let step = 0; step < 20; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      held.push(tf.memory().numTensors);
    }
    expect(Math.max(...held) - (held[0] as number)).toBeLessThanOrEqual(1); // the mask's own
    // 5 × 3 blocks; round(15 · 0.4) = 6.
    expect((await pruning.finalize()).pruned[0]).toMatchObject({ blocks: 15, keptBlocks: 6 });
  });
});

/** The names of the kernels that a step calls, forward and back and at the scoring, dense and under a mask. */
async function kernelsOf(pruner: Pruner): Promise<string[]> {
  const w = tf.variable(random([6, 4], 1));
  const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: 100, minimumBlocks: 1 } as const;
  const pruning = await sparsify({ w }, pruner, { ...target, optimizer: null });
  const [kernel] = pruning.kernels;
  const variables = [w, ...pruning.addedVariables];
  const step = async () => {
    tf.dispose(tf.variableGrads(() => pruning.weight('w').square().sum() as tf.Scalar, variables).grads);
    await kernel?.scores(pruner.importance);
    return w;
  };
  const dense = await tf.profile(step);
  kernel?.choose(Uint8Array.of(1, 0, 1, 0, 1, 0));
  const sparse = await tf.profile(step);
  pruning.abandon();
  return [dense, sparse].flatMap(({ kernels }) => kernels.map(({ name }) => name));
}

describe('softmax attention', () => {
  it('trains dense for half of the steps, prunes once, and fine-tunes for the other half', () => {
    const starts = (settings: SoftmaxAttentionSettings) =>
      placePhases(softmaxAttentionPruning(settings).search.phases, 100).map(({ phase, start }) => [
        phase.name,
        start,
      ]);
    expect(starts({})).toEqual([
      ['dense', 0],
      ['sparse', 50],
    ]);
    expect(starts({ dense: 0.8 })[1]).toEqual(['sparse', 80]);
  });

  it('differs from SequentialAttention++ by its search alone: the same names, and the same kernels in a step', async () => {
    const { sequentialAttentionPlusPlus } = await import('@espalier/sequential-attention-plus-plus');
    const [ours, theirs] = [softmaxAttentionPruning(), sequentialAttentionPlusPlus()];
    expect(ours.parameterisation.name).toBe(theirs.parameterisation.name);
    expect(ours.importance.name).toBe(theirs.importance.name);
    expect(ours.search.name).not.toBe(theirs.search.name);
    const [one, other] = [await kernelsOf(ours), await kernelsOf(theirs)];
    expect(one).toEqual(other);
    expect(one).toContain('SoftmaxAttention');
    expect(one).toContain('SoftmaxAttentionGrad');
  });

  it("lets its logits travel, or leaves them to the optimiser by the paper's settings", () => {
    expect(softmaxAttentionPruning()).toMatchObject({ settings: { travel: 8 } });
    expect(Object.keys(softmaxAttentionPruning().parameterisation.learningRates!)).toEqual(['logits']);
    const { settings, parameterisation } = softmaxAttentionPruning(paperSettings);
    expect(settings['travel']).toBe('optimizer');
    expect(parameterisation.learningRates).toBeUndefined();
    expect(() => softmaxAttentionPruning({ travel: 0 })).toThrow(
      'travel = 0, and is to be how far the logits travel',
    );
  });

  it('is the default export, and says what it is and how it was set', () => {
    expect(byDefault).toBe(softmaxAttentionPruning);
    expect(softmaxAttentionPruning({ temperature: 0.25, clip: [0.1, 10] })).toMatchObject({
      name: 'softmax-attention',
      settings: { temperature: 0.25, normalised: true, clip: [0.1, 10], dense: 0.5 },
    });
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses the temperature %s', (temperature) => {
    for (const normalised of [true, false]) {
      expect(() => softmaxAttentionPruning({ temperature, normalised })).toThrow(
        `temperature = ${temperature}, and is to be a softmax temperature`,
      );
    }
  });

  it.each([
    [-0.1, 2],
    [1.1, 2],
    [0.5, 0.9],
    [0, Infinity],
    [Number.NaN, 2],
  ])('refuses to clip to [%s, %s], where A = 1 is out of the bounds or one is none', (low, high) => {
    expect(() => softmaxAttentionPruning({ clip: [low, high] })).toThrow(
      `The attention cannot be clipped to [${low}, ${high}]: it starts at 1, so 0 ≤ low ≤ 1 ≤ high < ∞`,
    );
  });

  it('refuses a dense share out of range', () => {
    expect(() => softmaxAttentionPruning({ dense: 1 })).toThrow(
      'dense = 1, and is to be a share of training, a number in (0, 1)',
    );
  });
});
