import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import * as core from './index.js';

/** Whatever the types say. */
type Loose = (...args: unknown[]) => unknown;
const call = (name: keyof typeof core, ...args: unknown[]) => (core[name] as unknown as Loose)(...args);
const { imagenetPlan, identity, blockGrid, placePhases, densePhase, oneShot } = core;
const own = () => {};

describe('every function of core says which of its arguments is wrong, and what it is to be', () => {
  it.each<[keyof typeof core, unknown[], string]>([
    [
      'oneShot',
      [{ dense: '0.5' }],
      "oneShot(): dense = '0.5' (a string), and is to be a share of training, a number in (0, 1)",
    ],
    ['oneShot', [{ denes: 0.5 }], "oneShot() has no option 'denes': did you mean dense?"],
    ['oneShot', [0.5], 'oneShot() takes an object of options (dense), it is given 0.5'],
    [
      'gradual',
      [{ everySteps: 2.5 }],
      'gradual(): everySteps = 2.5, and is to be a whole number of at least 1',
    ],
    [
      'gradual',
      [{ curve: 'cubic' }],
      "gradual(): curve = 'cubic' (a string), and is to be a curve, a function",
    ],
    [
      'gradual',
      [null],
      'gradual() takes an object of options (start, end, everySteps, curve), it is given null',
    ],
    ['exponential', ['4'], "exponential(): c = '4' (a string), and is to be"],
    [
      'alternating',
      [[]],
      'alternating(): the plan takes an object of options (warmUp, cycles, lastCycleExtension, fineTuning), it is given [] (an array)',
    ],
    [
      'alternating',
      [{ warmUp: 0.1 }],
      'alternating(): the plan: cycles = undefined, and is to be a whole number',
    ],
    [
      'alternating',
      [{ ...imagenetPlan, cycles: 1e9 }],
      'cycles = 1000000000, and is to be a whole number from 1 to 100000',
    ],
    [
      'alternating',
      [imagenetPlan, { prunedWeights: 'mask' }],
      "alternating(): prunedWeights = 'mask' (a string), and is to be 'masked' or 'erased'",
    ],
    [
      'alternating',
      [imagenetPlan, { denseshare: 0.5 }],
      "alternating() has no option 'denseshare': did you mean denseShare?",
    ],
    [
      'alternatingWithSparsification',
      [{ ...imagenetPlan, warmup: 1 }],
      "the plan has no option 'warmup': did you mean warmUp?",
    ],
    [
      'alternatingWithSparsification',
      [imagenetPlan, { split: [1, 1, 1] }],
      'split = [1, 1, 1] (an array), and is to be how a cycle splits',
    ],
    [
      'alternatingWithSparsification',
      [imagenetPlan, { split: { sparsification: 1, sparse: 1 } }],
      'the split: dense = undefined, and is to be a part of a cycle',
    ],
    [
      'forwardSelection',
      [],
      'forwardSelection() takes an object of options (warmUp, rounds, swaps, fineTuning, joinBy), it is given undefined',
    ],
    [
      'forwardSelection',
      [{ warmUp: 0, rounds: 3, fineTuning: 0.2, joinBy: 'gradient' }],
      "joinBy = 'gradient' (a string), and is to be 'importance' or 'growth'",
    ],
    [
      'dropAndGrow',
      [{ everySteps: 5, until: 0.5, alpha: 0.3 }],
      'dropAndGrow(): start = undefined, and is to be a function of a choice',
    ],
    ['namedPlan', [3, {}], 'There is no plan 3: choose'],
    [
      'namedPlan',
      ['imagenet', undefined],
      'namedPlan(): plans = undefined, and is to be an object of plans by name',
    ],
    [
      'densePhase',
      ['0.5'],
      "densePhase(): length = '0.5' (a string), and is to be a share of training, a number in (0, 1]",
    ],
    ['sparsePhase', [1.5], 'sparsePhase(): length = 1.5, and is to be'],
    ['sparsificationPhase', [0.5, 3], 'sparsificationPhase(): curve = 3, and is to be a curve'],
    [
      'placePhases',
      [oneShot(), 10],
      'placePhases(): phases = an object of name, phases, prunedWeights, and is to be a list of phases',
    ],
    [
      'placePhases',
      [[densePhase], 10],
      'placePhases(): phases[0] = a function (densePhase), and is to be a phase: { name, length, curve, candidates, selection }: call it',
    ],
    [
      'placePhases',
      [[{ ...densePhase(1), length: '1' }], 10],
      "Phase 1 (dense) takes '1' (a string) of training",
    ],
    [
      'placePhases',
      [[{ ...densePhase(1), candidates: 'keep' }], 10],
      "Phase 1 (dense): candidates = 'keep' (a string), and is to be 'all' or 'kept'",
    ],
    [
      'placePhases',
      [[{ ...densePhase(1), selection: 5 }], 10],
      "Phase 1 (dense): selection = 5, and is to be 'at start', 'gradually' or { everySteps }",
    ],
    [
      'placePhases',
      [[densePhase(1)], '10'],
      "placePhases(): totalSteps = '10' (a string), and is to be a whole number",
    ],
    [
      'phaseAt',
      [densePhase(1), 0],
      'phaseAt() is given an object of name, length, curve, candidates, … 5 in all, and takes phases that placePhases() made',
    ],
    [
      'phaseAt',
      [placePhases([densePhase(1)], 10), NaN],
      'phaseAt(): step = NaN, and is to be a whole number of at least 0',
    ],
    ['progressAt', [densePhase(1), 0], 'and takes a phase that placePhases() made'],
    ['selectsAt', [placePhases([densePhase(1)], 10)[0], '0'], "selectsAt(): step = '0' (a string)"],
    ['attention', [{ temperatur: 1 }], "attention() has no option 'temperatur': did you mean temperature?"],
    ['attention', [{ normalised: 1 }], 'attention(): normalised = 1, and is to be true or false'],
    [
      'softmaxAttention',
      [{ temperature: '0.25' }],
      "softmaxAttention(): temperature = '0.25' (a string), and is to be a softmax temperature τ",
    ],
    [
      'softmaxAttention',
      [{ clip: 'densiy' }],
      "softmaxAttention(): clip = 'densiy' (a string), and is to be 'density', 'off' or a pair of bounds",
    ],
    ['softmaxAttention', [{ clip: [0.5] }], 'softmaxAttention(): clip = [0.5] (an array), and is to be'],
    ['softmaxAttention', [{ clip: [0.5, '2'] }], 'softmaxAttention(): clip ='],
    ['chain', [identity, undefined], 'chain(): parameterisation 2 is undefined, not an object'],
    ['chain', [own, identity], 'chain(): parameterisation 1 is the function own, not what it makes: call it'],
    [
      'chain',
      [identity, Promise.resolve(identity)],
      'chain(): parameterisation 2 is a promise, not an object: await it',
    ],
    [
      'chain',
      [identity, { ...identity, search: oneShot() }],
      'chain(): parameterisation 2 is a whole strategy, identity',
    ],
    [
      'chain',
      [identity, { ...identity, blockscale: own }],
      'chain(): parameterisation 2 has a field blockscale, which there is not',
    ],
    ['assertSeed', ['1'], "seed = '1' (a string) is not a whole number from 0 to 4294967295"],
    ['deriveSeed', [-1], 'deriveSeed(): seed = -1, and is to be a whole number from 0 to 4294967295'],
    ['deriveSeed', [1, 'kernel'], "deriveSeed(): purpose = 'kernel' (a string), and is to be a whole number"],
    ['randomNumbers', [-1, 0], 'randomNumbers(): count = -1, and is to be a whole number of at least 0'],
    ['randomNumbers', [3, NaN], 'randomNumbers(): seed = NaN'],
    [
      'nonZeroBlocks',
      [
        [1, 2],
        [2, 2],
      ],
      'nonZeroBlocks(): grid = [2, 2] (an array), and is to be what blockGrid() makes',
    ],
    [
      'nonZeroBlocks',
      [[1, 2], blockGrid([2, 2], [1, 1])],
      "nonZeroBlocks(): weights = [1, 2] (an array), and is to be the 4 weights of the grid's matrix",
    ],
    [
      'layerKernels',
      [tf.layers.dense({ units: 2, name: 'd' })],
      'layerKernels(): model = a layer (Dense d), and is to be a tf.LayersModel',
    ],
    [
      'allKernels',
      [Promise.resolve()],
      'allKernels(): model = a promise, and is to be a tf.LayersModel: await it',
    ],
    ['isUnderPruning', ['w'], "isUnderPruning(): variable = 'w' (a string), and is to be a tf.Variable"],
    ['assertCombination', [undefined], 'The strategy is undefined, not an object'],
  ])('%s(…%j)', (name, args, message) => {
    expect(() => call(name, ...args)).toThrow(message);
    expect(() => call(name, ...args)).toThrow(/^[^\n]+$/);
  });
});

describe('a run', () => {
  it('refuses options of finalize() that there are not, and what is no state, and goes on', async () => {
    const w = tf.variable(tf.ones([4, 4]));
    const pruner = {
      name: 'by-norm',
      description: 'By norm, once',
      source: 'A test',
      settings: {},
      parameterisation: identity,
      importance: core.frobenius,
      search: oneShot(),
    };
    const target = {
      sparsity: 0.5,
      blockShape: [2, 2] as const,
      totalSteps: 4,
      minimumBlocks: 1,
      optimizer: null,
    };
    const pruning = await core.sparsify({ w }, pruner, target);
    const loose = pruning as unknown as Record<'finalize' | 'restore', Loose>;
    await expect(loose.finalize({ keepZero: true })).rejects.toThrow(
      "finalize() has no option 'keepZero': did you mean keepZeros?",
    );
    await expect(loose.finalize({ keepZeros: 'yes' })).rejects.toThrow(
      "finalize(): keepZeros = 'yes' (a string), and is to be true or false",
    );
    expect(() => loose.restore(null)).toThrow('restore(): state = null, and is to be what state() gave');
    await pruning.finalize();
    w.dispose();
  });
});
