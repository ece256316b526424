import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { assertCombination, inForce } from './combination.js';
import { attention, frobenius, gradientNorm } from './importances.js';
import { identity, softmaxAttention } from './parameterisations.js';
import type { Importance, Parameterisation, Pruner } from './pruner.js';
import { sparsify } from './run/sparsify.js';
import { alternating } from './search/alternating.js';
import { dropAndGrow } from './search/drop-and-grow.js';
import { forwardSelection } from './search/forward-selection.js';
import { sparsePhase, type Search } from './search/phases.js';
import { byAttention, byMagnitude, randomTensor, shortPlan } from './test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const growing = (joinBy: 'importance' | 'growth') =>
  forwardSelection({ warmUp: 0, rounds: 2, fineTuning: 0.25, joinBy });
const exchanging = dropAndGrow({
  everySteps: 2,
  until: 0.5,
  alpha: 0.3,
  start: ({ chosen }) => chosen,
  exchange: ({ chosen }) => chosen,
});
const atOnce: Search = { name: 'at once', phases: [sparsePhase(1)], prunedWeights: 'masked' };
const gate: Parameterisation = {
  name: 'gate',
  trainables: () => ({ gates: tf.scalar(1) }),
  buffers: () => ({ seen: tf.scalar(0) }),
  needsActive: true,
};

const but = (changed: object): Pruner => ({ ...byMagnitude(), ...changed }) as Pruner;

describe('a part that is not what belongs there', () => {
  it.each<[object, string]>([
    [
      { parameterisation: byAttention() },
      'by-magnitude: the parameterisation is a whole strategy, by-attention: take that part of it alone, ' +
        '{ parameterisation: by-attention.parameterisation }',
    ],
    [{ search: byAttention() }, 'by-magnitude: the search is a whole strategy, by-attention'],
    [
      { parameterisation: softmaxAttention },
      'by-magnitude: the parameterisation is the function softmaxAttention, not what it makes: call it',
    ],
    [{ importance: attention }, 'the importance is the function attention, not what it makes'],
    [{ search: alternating }, 'the search is the function alternating'],
    [{ allocation: 'global' }, "the allocation is 'global' (a string), not an object"],
    [{ parameterisation: undefined }, 'by-magnitude has no parameterisation, which is to be an object'],
    [{ search: undefined }, 'by-magnitude has no search'],
    [{ importance: { name: 'none' } }, 'the importance has no score, which is to be a function'],
    [{ growth: null }, 'the growth is null, not an object'],
    [
      { parameterisation: { ...identity, blockscale: () => null } },
      'by-magnitude: the parameterisation has a field blockscale, which there is not: it has name, trainables, ',
    ],
    [
      { parameterisation: { ...identity, blockScale: 2 } },
      'the parameterisation has for blockScale 2, not a function',
    ],
    [{ parametrization: identity }, 'by-magnitude has a field parametrization, which there is not'],
    [{ search: { ...atOnce, phases: [] } }, "the search 'at once' has no phases"],
    [
      { search: { ...atOnce, prunedWeights: 'zeroed' } },
      "the search has for prunedWeights 'zeroed' (a string), which is to be masked or erased",
    ],
  ])('%j is refused by name', (changed, message) => {
    expect(() => assertCombination(but(changed))).toThrow(message);
    expect(() => assertCombination(but(changed))).toThrow(TypeError);
    expect(() => assertCombination(but(changed))).toThrow(/^[^\n]+$/);
  });

  it('a strategy that was not made is refused', () => {
    expect(() => assertCombination(byAttention as unknown as Pruner)).toThrow(
      'The strategy is the function byAttention, not what it makes: call it',
    );
  });

  it('types refuse a strategy, or a function, for a parameterisation', () => {
    // @ts-expect-error: a whole strategy
    const ofStrategy: Parameterisation = byAttention();
    // @ts-expect-error: a function that was not called
    const ofFunction: Parameterisation = softmaxAttention;
    // @ts-expect-error: a whole strategy
    const combined: Pruner = { ...byMagnitude(), parameterisation: byAttention() };
    expect([ofStrategy, ofFunction, combined]).toHaveLength(3);
  });

  it('what a class keeps for itself is its own affair', () => {
    class Norm implements Importance {
      readonly name = 'norm';
      readonly power = 2;
      readonly score = frobenius.score;
    }
    expect(() => assertCombination(but({ importance: new Norm() }))).not.toThrow();
  });
});

describe('parts that do not fit together', () => {
  it.each<[object, string]>([
    [
      { importance: attention() },
      "by-magnitude: the importance 'attention weight' scores by logits, and the parameterisation 'identity' adds " +
        'nothing: take the parameterisation that goes with it, or another importance',
    ],
    [
      { importance: attention(), parameterisation: { ...gate, needsActive: false } },
      "and the parameterisation 'gate' adds gates and seen",
    ],
    [
      { growth: attention(), search: growing('growth') },
      "the importance 'attention weight' scores by logits",
    ],
    [
      { search: growing('growth') },
      "by-magnitude: the search 'forward selection' grows blocks by a score of its own, and the strategy has no " +
        'growth: give it one, such as gradientNorm',
    ],
    [{ search: exchanging }, "the search 'drop-and-grow' grows blocks by a score of its own"],
    [
      { parameterisation: gate },
      "the parameterisation 'gate' is for blocks that compute without being chosen, and the search 'one-shot' has none",
    ],
    [
      { importance: gradientNorm, search: atOnce },
      "the search 'at once' prunes before the first step, when the importance 'gradient norm' cannot tell blocks " +
        'apart yet by the gradient: begin with a dense phase',
    ],
    [
      { ...byAttention(), search: atOnce },
      "when the importance 'attention weight' cannot tell blocks apart yet by logits",
    ],
    [
      { importance: attention(), parameterisation: { ...softmaxAttention(), needsNorm: true } },
      "the parameterisation 'softmax attention' parts blocks by their norm, and the importance 'attention weight' " +
        'chooses them by something else: take one by norm, such as frobenius',
    ],
    [
      { growth: gradientNorm, parameterisation: { ...identity, needsNorm: true }, search: exchanging },
      "parts blocks by their norm, and the search 'drop-and-grow' chooses them by something else",
    ],
    [
      {
        parameterisation: { ...identity, zeroIsStuck: true },
        search: { ...atOnce, prunedWeights: 'erased', gradient: 'all' },
      },
      "the search 'at once' is to bring blocks back from zero by their gradient, and under the parameterisation " +
        "'identity' they have none there: take one that can leave zero",
    ],
    [
      { parameterisation: { ...gate, buffers: () => ({ gates: tf.scalar(0) }) } },
      "The parameterisation 'gate' has gates as a trainable and as a buffer: rename one",
    ],
  ])('%j are refused', (changed, message) => {
    const before = tf.memory().numTensors;
    expect(() => assertCombination(but(changed))).toThrow(message);
    expect(() => assertCombination(but(changed))).toThrow(RangeError);
    expect(() => assertCombination(but(changed))).toThrow(/^[^\n]+$/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each<[string, object]>([
    ['attention by its logits', byAttention()],
    ['growth by the gradient', { growth: gradientNorm, search: exchanging }],
    ['candidates that stay active', { parameterisation: gate, search: growing('importance') }],
    ['norms before the first step', { search: atOnce }],
  ])('%s fit', (_, changed) => {
    expect(() => assertCombination(but(changed))).not.toThrow();
  });

  it('are refused by sparsify before it takes anything over', async () => {
    const w = tf.variable(randomTensor([4, 4]));
    const before = w.dataSync().slice();
    const tensors = tf.memory().numTensors;
    const target = {
      sparsity: 0.5,
      blockShape: [2, 2],
      totalSteps: 10,
      minimumBlocks: 1,
      optimizer: null,
    } as const;
    await expect(sparsify({ w }, but({ importance: attention() }), target)).rejects.toThrow(
      'scores by logits',
    );
    expect(w.dataSync()).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    await (await sparsify({ w }, byMagnitude(), target)).finalize();
  });
});

describe('a search that erases', () => {
  it('masks under a parameterisation that cannot leave zero, and under no other', async () => {
    const erasing = byMagnitude(alternating(shortPlan));
    const stuck = { ...erasing, parameterisation: { name: 'square', zeroIsStuck: true } };
    expect(inForce(erasing)).toBe(erasing);
    expect(inForce(stuck).search).toEqual({ ...erasing.search, prunedWeights: 'masked' });
    expect(stuck.search.prunedWeights).toBe('erased');
  });
});
