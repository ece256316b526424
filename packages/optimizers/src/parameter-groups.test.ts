import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { adam, sgd, type ParameterGroup } from './index.js';
import { expectClose } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const start = [1, -2, 0.5];
const slopes = [0.3, -0.1, 2];

/** Steps of a variable under a gradient that stays, by an optimiser. */
function end(optimizer: tf.Optimizer, weight: tf.Variable, steps = 3): number[] {
  tf.tidy(() => {
    for (let step = 0; step < steps; step++) {
      optimizer.applyGradients([{ name: weight.name, tensor: tf.tensor1d(slopes) }]);
    }
  });
  return Array.from(weight.dataSync());
}

const makers = {
  'plain sgd': (learningRate: number, weightDecay: number, groups: ParameterGroup[] = []) =>
    sgd({ learningRate, weightDecay, groups }),
  momentum: (learningRate: number, weightDecay: number, groups: ParameterGroup[] = []) =>
    sgd({ learningRate, momentum: 0.9, weightDecay, groups }),
  adam: (learningRate: number, weightDecay: number, groups: ParameterGroup[] = []) =>
    adam({ learningRate, weightDecay, groups }),
};

describe.each(Object.entries(makers))('parameter groups of %s', (_, make) => {
  it('train their variables as an optimiser with their settings would, and no others', () => {
    const [own, other, alone, beside] = Array.from({ length: 4 }, () => tf.variable(tf.tensor1d(start))) as [
      tf.Variable,
      tf.Variable,
      tf.Variable,
      tf.Variable,
    ];
    for (const variables of [[own.name], (variable: tf.Variable) => variable === own]) {
      for (const variable of [own, other, alone, beside]) variable.assign(tf.tensor1d(start));
      const grouped = make(0.1, 0.2, [{ variables, rateFactor: 3, weightDecay: 0.05 }]);
      expectClose(end(grouped, own), end(make(0.3, 0.05), alone), 1e-6);
      grouped.resetState();
      expectClose(end(grouped, other), end(make(0.1, 0.2), beside), 1e-6);
    }
  });

  it('follow the learning rate, and tell how far their steps go', () => {
    const weight = tf.variable(tf.zeros([3]));
    const optimizer = make(0.1, 0, [{ variables: [weight.name], rateFactor: 0.5 }]);
    optimizer.learningRate = 0.4;
    expectClose(end(optimizer, weight, 1), end(make(0.2, 0), tf.variable(tf.zeros([3])), 1), 1e-6);
    const size = optimizer.stepSize(weight);
    const sizes = typeof size === 'number' ? slopes.map(() => size) : size.dataSync();
    expectClose(
      weight.dataSync(),
      slopes.map((slope, i) => -slope * sizes[i]!),
      1e-6,
    );
  });
});

describe('parameter groups', () => {
  it('give a variable the settings of the first that has it', () => {
    const weight = tf.variable(tf.zeros([3]));
    const groups = [
      { variables: ['another'] },
      { variables: () => true, rateFactor: 2 },
      { variables: [weight.name] },
    ];
    end(sgd({ learningRate: 1, groups }), weight, 1);
    expectClose(
      weight.dataSync(),
      slopes.map((slope) => -2 * slope),
      1e-6,
    );
  });

  it('are stored by names, and refuse to be by a function', () => {
    const groups = [
      { variables: ['a', 'b'], rateFactor: 0.1 },
      { variables: ['c'], weightDecay: 0 },
    ];
    for (const optimizer of [sgd({ learningRate: 1, groups }), adam({ groups })]) {
      const config = JSON.parse(JSON.stringify(optimizer.getConfig()));
      expect(config.groups).toEqual(groups);
      const { constructor } = optimizer as unknown as { constructor: { fromConfig: unknown } };
      const fromConfig = constructor.fromConfig as (cls: unknown, of: unknown) => typeof optimizer;
      expect(fromConfig(constructor, config).groups).toEqual(groups);
    }
    expect(() => sgd({ learningRate: 1, groups: [{ variables: () => true }] }).getConfig()).toThrow(
      'Parameter group 1 chooses its variables by a function, which no file holds: give their names',
    );
    expect(sgd({ learningRate: 1 }).getConfig()).not.toHaveProperty('groups');
  });

  it.each<[unknown, string]>([
    ['a', "sgd(): groups = 'a' (a string), and is to be a list of parameter groups"],
    [[{}], 'group 1: variables = undefined, and is to be a list of variables'],
    [[{ variables: [1] }], 'group 1: variables = '],
    [[{ variables: ['a'] }, { variables: ['b'], rateFactor: -1 }], 'group 2: rateFactor = -1'],
    [[{ variables: ['a'], weightDecay: Number.NaN }], 'group 1: weightDecay = NaN'],
    [[{ variables: ['a'], rate: 1 }], "group 1 has no option 'rate'"],
    [[null], 'group 1 takes an object of options'],
  ])('that are %s are refused', (groups, message) => {
    expect(() => sgd({ learningRate: 1, groups: groups as ParameterGroup[] })).toThrow(message);
  });
});
