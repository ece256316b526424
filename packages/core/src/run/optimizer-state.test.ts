import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { resetOptimizerState } from './optimizer-state.js';
import { expectClose, values } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  'momentum (Nesterov)': () => tf.train.momentum(0.1, 0.9, true),
  adam: () => tf.train.adam(0.1),
  adamax: () => tf.train.adamax(0.1),
  rmsprop: () => tf.train.rmsprop(0.1, 0.9, 0.5),
  'rmsprop (centred)': () => tf.train.rmsprop(0.1, 0.9, 0.5, 1e-7, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1, 0.9),
};

const start = [1, -2, 3];

/** The weights after three steps on Σ w², from `start`. */
function train(optimizer: tf.Optimizer): number[] {
  const weights = tf.tidy(() => tf.variable(tf.tensor1d(start)));
  for (let step = 0; step < 3; step++)
    optimizer.minimize(() => weights.square().sum() as tf.Scalar, false, [weights]);
  const trained = values(weights);
  weights.dispose();
  return trained;
}

describe.each(Object.entries(optimizers))('after a reset, %s', (name, make) => {
  it('takes the very steps that a new one takes', () => {
    const [used, fresh] = [make(), make()];
    const first = train(used);
    resetOptimizerState(used);
    expect(train(used)).toEqual(first);
    expect(train(fresh)).toEqual(first);
    // What it remembers does matter. (Adadelta's two averages start equal, and stay so: it steps as SGD does.)
    if (!['sgd', 'adadelta'].includes(name)) expect(train(fresh)).not.toEqual(first);
  });

  it('trains variables of other shapes, and holds no tensor of the old ones', () => {
    const optimizer = make();
    const before = tf.memory().numTensors;
    train(optimizer);
    resetOptimizerState(optimizer);
    expect(tf.memory().numTensors).toBe(before);
    const matrix = tf.tidy(() => tf.variable(tf.ones([2, 2])));
    optimizer.minimize(() => matrix.square().sum() as tf.Scalar, false, [matrix]);
    expect(values(matrix).every((w) => w < 1)).toBe(true);
    matrix.dispose();
  });

  it('can be reset before it has any state', () => {
    const optimizer = make();
    resetOptimizerState(optimizer);
    expect(train(optimizer)).toEqual(train(make()));
  });
});

describe('Adam', () => {
  it('stored some steps after a reset and restored in another goes on as the first', async () => {
    const [first, second] = [tf.train.adam(0.1), tf.train.adam(0.1)];
    train(first);
    resetOptimizerState(first);
    train(first);
    await second.setWeights(await first.getWeights());
    // To rounding: tfjs raises β to the power of the count, where the first was multiplied by it step by step.
    expectClose(train(second), train(first), 1e-6);
  });
});

describe('an optimiser with a resetState() of its own', () => {
  it('resets itself', () => {
    const optimizer = Object.assign(tf.train.momentum(0.1, 0.9), { resetState: vi.fn() });
    train(optimizer);
    const before = tf.memory().numTensors;
    resetOptimizerState(optimizer);
    expect(optimizer.resetState).toHaveBeenCalledOnce();
    expect(tf.memory().numTensors).toBe(before);
  });
});
