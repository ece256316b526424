import { placePhases, sparsify, type Pruner } from '@espalier/core';
import { centralDifferences } from '@espalier/pruner-conformance';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import strByDefault, { plainStr, str } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync(), (v) => v + 0);
const close = (numbers: readonly number[], digits = 5) => numbers.map((v) => expect.closeTo(v, digits));
const random = (shape: [number, number], seed: number) =>
  tf.randomNormal<tf.Rank.R2>(shape, 0, 1, 'float32', seed);

/** A variable under a strategy, in blocks of 1 × 2 and at half of them unless said. */
async function prune(weight: tf.Tensor2D, pruner: Pruner, target = {}) {
  const w = tf.variable(weight);
  const defaults = { sparsity: 0.5, blockShape: [1, 2] as const, totalSteps: 2, minimumBlocks: 1 };
  const pruning = await sparsify({ w }, pruner, { ...defaults, optimizer: null, ...target });
  const effective = () => values(tf.tidy(() => pruning.weight('w')));
  return { w, pruning, effective, kernel: pruning.kernels[0]! };
}

describe('the soft threshold', () => {
  it.each([
    // exp 0 = 1: (1 − 1/5) [3, 4]; sigmoid 0 = 1/2: (1 − 0.1) [3, 4].
    ['block', 'exp', [2.4, 3.2], [-2.4, 3.2]],
    ['block', 'sigmoid', [2.7, 3.6], [-2.7, 3.6]],
    ['elementwise', 'exp', [2, 3], [-2, 3]],
    ['elementwise', 'sigmoid', [2.5, 3.5], [-2.5, 3.5]],
  ] as const)('%s, by the %s of σ = 0, makes of [3, 4] %j', async (form, g, positive, mixed) => {
    const { w, effective } = await prune(tf.ones([3, 2]), plainStr({ form, g, sigma: 0 }));
    w.assign(tf.tensor2d([3, 4, -3, 4, 0.3, -0.3], [3, 2]));
    expect(effective()).toEqual(close([...positive, ...mixed, 0, 0]));
  });

  it.each([
    ['block', [2.4, 3.2, 0, 0], [3, 4, 0, 0]],
    ['elementwise', [2, -3, 0, 0.5], [3, -4, 0, 1.5]],
  ] as const)('%s, starts at the plain weight: V is as far beyond it', async (form, plain, raw) => {
    const { w, effective } = await prune(
      tf.tensor2d([...plain], [2, 2]),
      plainStr({ form, g: 'exp', sigma: 0 }),
    );
    expect(values(w)).toEqual(close(raw));
    expect(effective()).toEqual(close(plain));
  });

  it.each(['block', 'elementwise'] as const)(
    '%s, starts at the plain weight of a ragged kernel, for any σ; bit by bit where controlled or σ = −3200',
    async (form) => {
      const plain = values(random([5, 7], 1));
      const start = async (pruner: Pruner) =>
        (await prune(random([5, 7], 1), pruner, { blockShape: [2, 3] })).effective();
      for (const sigma of [-5, 0, 3]) expect(await start(plainStr({ form, sigma }))).toEqual(close(plain));
      expect(await start(plainStr({ form, sigma: -3200 }))).toEqual(plain);
      expect(await start(str({ form, start: 0 }))).toEqual(plain);
    },
  );

  it.each([
    ['block', 'sigmoid'],
    ['block', 'exp'],
    ['elementwise', 'sigmoid'],
    ['elementwise', 'exp'],
  ] as const)('has the gradients of finite differences, by V and by σ (%s, %s)', async (form, g) => {
    const { w, pruning, kernel } = await prune(random([5, 4], 3), plainStr({ form, g, sigma: -1 }), {
      blockShape: [2, 3],
    });
    const sigma = kernel.trainables['sigma'] as tf.Variable;
    const goal = random([5, 4], 4);
    const loss = () => pruning.weight('w').sub(goal).square().sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [w, sigma]);
    const h = 2e-3;
    for (const variable of [w, sigma]) {
      const differences = centralDifferences(loss, variable, h);
      const largest = Math.max(...differences.map(Math.abs));
      expect(largest).toBeGreaterThan(0.1);
      values(grads[variable.name] as tf.Tensor).forEach((gradient, i) =>
        expect(Math.abs(gradient - (differences[i] as number)) / largest).toBeLessThan(3e-3),
      );
    }
  });

  it.each(['block', 'elementwise'] as const)(
    '%s, gives what lies below it no gradient, zeros included, and never NaN',
    async (form) => {
      const { w, pruning } = await prune(tf.ones([3, 2]), plainStr({ form, g: 'exp', sigma: 0 }));
      w.assign(tf.tensor2d([3, 4, 0.5, 0.1, 0, 0], [3, 2]));
      const { grads } = tf.variableGrads(() => pruning.weight('w').sub(9).square().sum() as tf.Scalar, [w]);
      const gradient = values(grads[w.name] as tf.Tensor);
      expect(gradient.slice(2)).toEqual([0, 0, 0, 0]);
      expect(gradient.slice(0, 2).every((v) => v < 0)).toBe(true);
    },
  );
});

describe('STR under control', () => {
  // Norms of the four blocks: 5, √2, 4 and √32 = 5.656854. Two are to stay, so the threshold is 4.
  const weights = [3, 4, 1, 1, 0, 4, 4, 4];
  const inTwoSteps = { start: 0, end: 0.5 };

  it('has for threshold the norm of the largest block that is pruned', async () => {
    const { w, pruning, kernel } = await prune(tf.tensor2d(weights, [2, 4]), str(inTwoSteps));
    await pruning.step();
    expect(values(kernel.buffers['threshold'] as tf.Tensor)).toEqual(close([4]));
    await pruning.finalize();
    // (1 − 4/5) [3, 4], and (1 − 4/√32) · 4 = 4 − 2√2.
    expect(values(w)).toEqual(close([0.6, 0.8, 0, 0, 0, 0, 1.171573, 1.171573]));
  });

  it('elementwise, spreads it over the weights of a block: all of it for blocks of one', async () => {
    const ones = await prune(tf.tensor2d([[5, 1, -4, 2]]), str({ ...inTwoSteps, form: 'elementwise' }), {
      blockShape: [1, 1],
    });
    await ones.pruning.step();
    expect(ones.effective()).toEqual(close([3, 0, -2, 0]));
    const pairs = await prune(tf.tensor2d(weights, [2, 4]), str({ ...inTwoSteps, form: 'elementwise' }));
    await pairs.pruning.step();
    // 4 / √2 = 2.828427 from each weight.
    expect(pairs.effective()).toEqual(close([0.171573, 1.171573, 0, 0, 0, 0, 1.171573, 1.171573]));
  });

  it('raises it along the cubic: of norms 1 to 100, at s = 0.9, to 52, 79 and 89 at the quarters, then 90', async () => {
    // s · cubic = 0.5203125, 0.7875, 0.8859375: 48, 21 and 11 of 100 blocks stay.
    const { pruning, kernel, effective } = await prune(
      tf.range(1, 101).reshape([10, 10]),
      str({ start: 0, end: 0.8 }),
      { sparsity: 0.9, blockShape: [1, 1], totalSteps: 5 },
    );
    const seen: unknown[] = [];
    for (let step = 0; step < 5; step++) {
      seen.push([
        values(kernel.buffers['threshold'] as tf.Tensor)[0],
        effective().filter((v) => v > 0).length,
      ]);
      await pruning.step();
    }
    expect(seen).toEqual([
      [0, 100],
      [52, 48],
      [79, 21],
      [89, 11],
      [90, 10],
    ]);
  });

  it('lets a block back in whose norm comes to pass others while the threshold rises, and none after', async () => {
    const { w, pruning, kernel } = await prune(tf.tensor2d([[4, 3, 2, 1]]), str({ start: 0, end: 0.5 }), {
      blockShape: [1, 1],
      totalSteps: 8,
    });
    await pruning.step();
    await pruning.step();
    expect([...kernel.mask]).toEqual([1, 1, 0, 0]); // cubic(1/2) · 0.5 = 0.4375 of 4: 2.25 stay
    w.assign(tf.tensor2d([[4, 1, 2, 1]]));
    await pruning.step();
    expect([...kernel.mask]).toEqual([1, 0, 1, 0]);
    await pruning.step();
    w.assign(tf.tensor2d([[4, 3, 2, 1]]));
    await pruning.step();
    expect([...kernel.mask]).toEqual([1, 0, 1, 0]);
  });

  it.each(['block', 'elementwise'] as const)(
    '%s, loses no block that sinks below the threshold: a thousandth is left of it, and its gradient',
    async (form) => {
      const { w, pruning } = await prune(tf.tensor2d([[4, 3, 2, 1]]), str({ ...inTwoSteps, form }), {
        blockShape: [1, 1],
      });
      await pruning.step();
      w.assign(tf.tensor2d([[4, 1.5, 2, 1]]));
      const { grads } = tf.variableGrads(() => pruning.weight('w').sum() as tf.Scalar, [w]);
      expect(values(grads[w.name] as tf.Tensor)).toEqual(close([1, 1e-3, 0, 0]));
      expect((await pruning.finalize()).pruned[0]).toMatchObject({ keptBlocks: 2, targetBlocks: 2 });
      expect(values(w)).toEqual(close([2, 1.5e-3, 0, 0]));
    },
  );

  it('rises from 25% to 50% of training, unless told otherwise', () => {
    const starts = (pruner: Pruner) => placePhases(pruner.search.phases, 100).map(({ start }) => start);
    expect(starts(str())).toEqual([0, 25, 50]);
    expect(starts(str({ start: 0, end: 0.8 }))).toEqual([0, 80]);
  });
});

describe('plain STR', () => {
  it('has the sparsity that its threshold makes, whatever the target', async () => {
    const { w, pruning } = await prune(tf.ones([2, 4]), plainStr({ g: 'exp', sigma: Math.log(4.5) }));
    w.assign(tf.tensor2d([3, 4, 1, 1, 0, 4, 0.1, 0.2], [2, 4]));
    for (const sigma of pruning.addedVariables) sigma.assign(sigma.add(0)); // As an optimiser might.
    await pruning.step();
    const { pruned } = await pruning.finalize();
    expect(pruned[0]).toMatchObject({ keptBlocks: 1, targetBlocks: 2 });
    expect(values(w)).toEqual(close([0.3, 0.4, 0, 0, 0, 0, 0, 0]));
  });

  it('prunes nothing on its way', () => {
    expect(plainStr().search).toMatchObject({ final: 'learned', phases: [{ name: 'dense', length: 1 }] });
  });
});

describe('STR in training', () => {
  it.each([
    ['controlled, in blocks', str(), 6],
    ['controlled, elementwise', str({ form: 'elementwise' }), 6],
    ['plain', plainStr({ sigma: -3200 }), 15],
  ] as const)(
    '%s leaves the blocks it should of a ragged kernel, and no tensor of a step',
    async (_, pruner, kept) => {
      const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 });
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 7, inputShape: [9], kernelInitializer })],
      });
      model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
      const pruning = await sparsify(model, pruner, {
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
      expect((await pruning.finalize()).pruned[0]).toMatchObject({
        blocks: 15,
        targetBlocks: 6,
        keptBlocks: kept,
      });
    },
  );

  it('is the default export under control, and says what it is and how it was set', () => {
    expect(strByDefault).toBe(str);
    expect(str({ end: 0.6 })).toMatchObject({
      name: 'str',
      settings: { form: 'block', start: 0.25, end: 0.6 },
    });
    expect(plainStr({ sigma: -3200 })).toMatchObject({
      name: 'plain-str',
      settings: { form: 'block', g: 'sigmoid', sigma: -3200 },
    });
  });

  it('refuses settings out of range, each by its value', () => {
    expect(() => str({ start: 0.6, end: 0.5 })).toThrow('gradual(): start = 0.6 is not before end = 0.5');
    expect(() => str({ form: 'blocks' as 'block' })).toThrow(
      "There is no form 'blocks': choose block or elementwise",
    );
    expect(() => plainStr({ sigma: Number.NaN })).toThrow('The start of σ, NaN, is not a finite number');
    expect(() => plainStr({ g: 'relu' as 'exp' })).toThrow(
      "There is no function 'relu': choose sigmoid or exp",
    );
  });
});
