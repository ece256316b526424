import { describe, expect, it } from 'vitest';

import {
  aFunction,
  anObject,
  assertArgument,
  assertOptions,
  listOf,
  numberIn,
  oneOf,
  required,
  trueOrFalse,
  wholeNumber,
  type Expected,
} from './arguments.js';

const accepted = ({ holds }: Expected, values: readonly unknown[]) => values.filter(holds);

describe('what an argument is to be', () => {
  it('a range holds its ends as it is written, and finite numbers alone', () => {
    const values = [-1, -0, 0, 0.5, 1, 2, NaN, Infinity, -Infinity, '0.5', [0.5], null, undefined];
    expect(accepted(numberIn('[0, 1)'), values)).toEqual([-0, 0, 0.5]);
    expect(accepted(numberIn('(0, 1]'), values)).toEqual([0.5, 1]);
    expect(accepted(numberIn('(0, ∞)'), values)).toEqual([0.5, 1, 2]);
    expect(accepted(numberIn('(-∞, ∞)'), values)).toEqual([-1, -0, 0, 0.5, 1, 2]);
  });

  it('a whole number is one, from its least to its most', () => {
    const values = [-1, 0, 1, 2, 3, 1.5, NaN, Infinity, '1', [1], true, 1n];
    expect(accepted(wholeNumber(), values)).toEqual([1, 2, 3]);
    expect(accepted(wholeNumber(0, 2), values)).toEqual([0, 1, 2]);
  });

  it('words, functions, objects and lists are told from others', () => {
    const f = () => {};
    const values = [
      'block',
      'Block',
      ['block'],
      true,
      f,
      { size: 3 },
      {},
      null,
      Promise.resolve(),
      new Float32Array(1),
    ];
    expect(accepted(oneOf('block', 'elementwise'), values)).toEqual(['block']);
    expect(accepted(trueOrFalse, values)).toEqual([true]);
    expect(accepted(aFunction('a function'), values)).toEqual([f]);
    expect(accepted(anObject('sized', { size: 'number' }), values)).toEqual([{ size: 3 }]);
    expect(accepted(listOf(wholeNumber(), 'whole numbers'), values)).toEqual([
      ['block'],
      new Float32Array(1),
    ]);
  });
});

describe('assertArgument', () => {
  it('names the argument, the value and what it is to be', () => {
    const start = numberIn('[0, 1)', 'a share of training');
    expect(() => assertArgument('gmp()', 'start', '0.2', start)).toThrow(
      new TypeError("gmp(): start = '0.2' (a string), and is to be a share of training, a number in [0, 1)"),
    );
    expect(() => assertArgument('gmp()', 'start', NaN, start)).toThrow(
      new RangeError('gmp(): start = NaN, and is to be a share of training, a number in [0, 1)'),
    );
    expect(() => assertArgument('gmp()', 'start', null, start)).toThrow(TypeError);
    expect(() => assertArgument('f()', 'form', 'blok', oneOf('block', 'elementwise', 'none'))).toThrow(
      new RangeError("f(): form = 'blok' (a string), and is to be 'block', 'elementwise' or 'none'"),
    );
    expect(() => assertArgument('f()', 'seed', 2 ** 32, wholeNumber(0, 2 ** 32 - 1))).toThrow(
      'seed = 4294967296, and is to be a whole number from 0 to 4294967295',
    );
  });

  it('says how a promise or a function becomes what was meant', () => {
    const strategy = anObject('a strategy');
    expect(() => assertArgument('f()', 'pruner', Promise.resolve(), strategy)).toThrow(
      new TypeError('f(): pruner = a promise, and is to be a strategy: await it'),
    );
    expect(() => assertArgument('f()', 'pruner', function magnitude() {}, strategy)).toThrow(
      new TypeError('f(): pruner = a function (magnitude), and is to be a strategy: call it'),
    );
  });

  it('says which entry of a list is wrong', () => {
    const seeds = listOf(wholeNumber(0), 'a list of whole numbers');
    expect(() => assertArgument('f()', 'seeds', 3, seeds)).toThrow(
      new TypeError('f(): seeds = 3, and is to be a list of whole numbers'),
    );
    expect(() => assertArgument('f()', 'seeds', [0, 1, 2, 3, 4, '5'], seeds)).toThrow(
      new TypeError("f(): seeds[5] = '5' (a string), and is to be a whole number of at least 0"),
    );
    // A hole is an entry too.
    expect(() => assertArgument('f()', 'seeds', new Array(1), seeds)).toThrow('seeds[0] = undefined');
    expect(() => assertArgument('f()', 'seeds', [0, 1], seeds)).not.toThrow();
  });
});

describe('assertOptions', () => {
  const check = (given: unknown) =>
    assertOptions('f()', given as { steps?: number; rate?: number }, {
      steps: wholeNumber(),
      rate: required(numberIn('[0, ∞)')),
    });

  it('lets pass what is as expected, and options that are left out', () => {
    expect(() => check({ rate: 0.1 })).not.toThrow();
    expect(() => check({ rate: 0.1, steps: undefined })).not.toThrow();
  });

  it.each<[unknown, string]>([
    [{ rate: 1, step: 3 }, "f() has no option 'step': did you mean steps?"],
    [{ rate: 1, steps: '3' }, "f(): steps = '3' (a string), and is to be a whole number of at least 1"],
    [{ rate: 1, steps: null }, 'f(): steps = null, and is to be a whole number of at least 1'],
    [{}, 'f(): rate = undefined, and is to be a number in [0, ∞)'],
    [undefined, 'f() takes an object of options (steps, rate), it is given undefined'],
    [null, 'f() takes an object of options (steps, rate), it is given null'],
    [3, 'f() takes an object of options (steps, rate), it is given 3'],
  ])('refuses %o', (given, message) => {
    expect(() => check(given)).toThrow(new TypeError(message));
  });
});
