import { frobenius, identity, oneShot } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import * as conformance from './index.js';

type Loose = (...args: unknown[]) => unknown;
const { checkLayerKind, checkPhases, describePruner, centralDifferences, layerKinds } = conformance;
const checks = Object.entries(conformance).filter(
  ([name]) => name.startsWith('check') && name !== 'checkLayerKind',
) as [string, conformance.Check][];

const strategy = {
  name: 'by-norm',
  description: 'By norm, once',
  source: 'A test',
  settings: {},
  parameterisation: identity,
  importance: frobenius,
  search: oneShot(),
};

describe('every check', () => {
  it.each(checks)('%s is given a function that makes a strategy', async (_, check) => {
    const loose = check as unknown as Loose;
    await expect(loose()).rejects.toThrow(
      'A check: makePruner = undefined, and is to be a function that makes the strategy: () => magnitude()',
    );
    await expect(loose(strategy)).rejects.toThrow('A check: makePruner = an object of name, description,');
    await expect(loose(() => undefined)).rejects.toThrow('The strategy is undefined, not an object');
    await expect(loose(async () => strategy)).rejects.toThrow(
      'The strategy is a promise, not an object: await it',
    );
    await expect(loose(() => () => strategy)).rejects.toThrow('call it');
    await expect(loose(() => strategy, { steps: 30 })).rejects.toThrow(
      "A check has no option 'steps': did you mean totalSteps?",
    );
    await expect(loose(() => strategy, { totalSteps: '30' })).rejects.toThrow(
      "A check: totalSteps = '30' (a string), and is to be a whole number of at least 1",
    );
  });

  it('that is for a kind of layer is for one that there is', () => {
    expect(() => checkLayerKind('danse' as 'dense')).toThrow(
      `checkLayerKind(): kind = 'danse' (a string), and is to be '${layerKinds[0]}', `,
    );
  });

  it('resolves for a strategy that keeps its promise', async () => {
    await expect(checkPhases(() => strategy)).resolves.toBeUndefined();
  });
});

describe('what else is wrong is said', () => {
  it.each<[unknown[], string]>([
    [[() => strategy], 'describePruner(): name = a function, and is to be a name for the test report'],
    [['mine', strategy], 'describePruner(): makePruner = an object of'],
    [
      ['mine', () => strategy, { totalstep: 3 }],
      "describePruner() has no option 'totalstep': did you mean totalSteps?",
    ],
    [
      ['mine', () => strategy, { exceptions: ['seeds'] }],
      "describePruner(): exceptions = ['seeds'] (an array), and is to be",
    ],
    [
      ['mine', () => strategy, { exceptions: { seed: 'why' } }],
      "exceptions has no option 'seed': did you mean seeds?",
    ],
  ])('of describePruner, %#', (args, message) => {
    expect(() => (describePruner as unknown as Loose)(...args)).toThrow(message);
  });

  it.each<[unknown[], string]>([
    [[3], 'centralDifferences(): loss = 3, and is to be a function of nothing that makes the loss'],
    [
      [() => tf.scalar(0), [1]],
      'centralDifferences(): variable = [1] (an array), and is to be a tf.Variable',
    ],
    [
      [() => tf.scalar(0), tf.variable(tf.scalar(0)), 0],
      'centralDifferences(): step = 0, and is to be a number in (0, ∞)',
    ],
  ])('of centralDifferences, %#', (args, message) => {
    expect(() => (centralDifferences as unknown as Loose)(...args)).toThrow(message);
  });
});
