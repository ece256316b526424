import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { resetOptimizerState } from './optimizer-state.js';
import { stepSize } from './step-size.js';
import { expectClose, values } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  'momentum (Nesterov)': () => tf.train.momentum(0.1, 0.9, true),
  adagrad: () => tf.train.adagrad(0.1),
  rmsprop: () => tf.train.rmsprop(0.1, 0.9),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1, 0.9, 0.999, 1e-7, 0.5),
};

/** The gradient, always the same. */
const slope = [1, -2, 0.5, 3];
const loss =
  (...weights: tf.Tensor[]) =>
  () =>
    tf.addN(weights.map((weight) => weight.mul(tf.tensor(slope, weight.shape)).sum())) as tf.Scalar;

/** By how much a step moves each number, over its gradient. */
function moved(optimizer: tf.Optimizer, weight: tf.Variable, all = [weight]): number[] {
  const before = values(weight);
  optimizer.minimize(loss(...all), false, all);
  return values(weight).map((after, i) => (before[i]! - after) / slope[i]!);
}

const told = (optimizer: tf.Optimizer, weight: tf.Variable, trained?: tf.Variable[]) =>
  tf.tidy(() => values(stepSize(optimizer, weight, trained).add(tf.zerosLike(weight))));

describe.each(Object.entries(optimizers))('the step size of %s', (name, make) => {
  it('is what each step moves the weights by for each unit of a gradient that stays, also after a reset', () => {
    const [optimizer, weight] = [make(), tf.variable(tf.zeros([2, 2]))];
    for (let step = 0; step < 8; step++) {
      if (step === 4) resetOptimizerState(optimizer);
      const now = moved(optimizer, weight);
      expectClose(told(optimizer, weight), now, 2e-5);
    }
  });

  it('leaves no tensor behind', () => {
    const [optimizer, weight] = [make(), tf.variable(tf.zeros([2, 2]))];
    moved(optimizer, weight);
    const { numTensors } = tf.memory();
    stepSize(optimizer, weight).dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('is found among several variables, of other names too where they were restored', async () => {
    const make3 = () => [3, 2, 2].map((rows) => tf.variable(tf.zeros([rows, rows === 3 ? 1 : 2])));
    const lossOf =
      ([a, b, c]: tf.Variable[]) =>
      () =>
        tf.addN([a!.sum().mul(3), b!.sum().mul(0.2), c!.mul(tf.tensor2d(slope, [2, 2])).sum()]) as tf.Scalar;
    const [optimizer, old] = [make(), make3()];
    for (let step = 0; step < 3; step++) optimizer.minimize(lossOf(old), false, old);
    const expected = told(optimizer, old[2]!);
    if (['adamax'].includes(name)) return; // tfjs cannot restore it.
    const [restored, anew] = [make(), make3()];
    const state = await optimizer.getWeights();
    await restored.setWeights(state.map((one) => ({ ...one, tensor: one.tensor.clone() })));
    expectClose(told(restored, anew[2]!, anew), expected, 1e-6);
    if (['sgd', 'momentum', 'momentum (Nesterov)'].includes(name)) return; // The same for every weight.
    expect(() => told(restored, anew[2]!)).toThrow(
      /stores nothing for .* restore the optimizer for variables of/,
    );
    expect(() => told(optimizer, anew[2]!)).toThrow('stores nothing for');
  });
});

describe('the step size', () => {
  it('under momentum is that of the rate and the momentum that the optimiser computes with', () => {
    const optimizer = tf.train.momentum(0.1, 0.5) as tf.MomentumOptimizer;
    const weight = tf.variable(tf.zeros([2, 2]));
    moved(optimizer, weight);
    optimizer.setLearningRate(0.01);
    expectClose(moved(optimizer, weight), Array(4).fill(0.01 * 1.5), 1e-7);
    expectClose(told(optimizer, weight), Array(4).fill(0.01 * 1.5), 1e-7);
    for (let step = 0; step < 30; step++) moved(optimizer, weight);
    expectClose(told(optimizer, weight), Array(4).fill(0.02), 1e-7); // η / (1 − μ)
  });

  it('of centred RMSProp takes the mean off', () => {
    const weight = tf.variable(tf.zeros([2, 2]));
    const centred = tf.train.rmsprop(0.1, 0.9, 0, 1e-7, true);
    expectClose(moved(centred, weight), told(centred, weight), 1e-5);
  });

  it('is asked of an optimiser that tells it, a number or a tensor', () => {
    const weight = tf.variable(tf.zeros([2, 2]));
    const telling = (size: number | tf.Tensor) =>
      Object.assign(tf.train.adadelta(0.1), { stepSize: () => size });
    expect(told(telling(0.3), weight)).toEqual(Array(4).fill(Math.fround(0.3)));
    expect(told(telling(tf.tensor2d([1, 2, 3, 4], [2, 2])), weight)).toEqual([1, 2, 3, 4]);
  });

  it('is refused of one that does not, before a step, and of a variable that does not train', () => {
    const [weight, other] = [tf.variable(tf.zeros([2, 2])), tf.variable(tf.zeros([2, 2]))];
    expect(() => stepSize(tf.train.adadelta(0.1), weight)).toThrow(
      'The optimizer Adadelta does not tell how far its step goes: take one of tf.train but adadelta and rmsprop',
    );
    const optimizer = tf.train.adam(0.1);
    expect(() => stepSize(optimizer, weight)).toThrow(
      `has taken no step of ${weight.name} since it was last`,
    );
    moved(optimizer, weight);
    expect(() => stepSize(optimizer, other)).toThrow(
      `stores nothing for ${other.name}, but for ${weight.name}`,
    );
    expect(() => stepSize(optimizer, other, [other, weight])).toThrow('stores nothing for');
  });
});
